import { expect, it, vi } from 'vitest';
import { ApiError } from '#lib/api/http.ts';
import type { Containers } from '#lib/api/types.ts';
import { PoolContainers, summary } from './pool-containers.svelte.ts';

const DEFAULTS: Containers = {
	image: 'lazyaf-runner:latest',
	memory_mb: 4096,
	cpus: 2,
	pids: 1024,
	disk_mb: 2048,
};
const nothing = async () => undefined;

function form(made: Partial<Containers> = {}, send = vi.fn(nothing)) {
	return {
		form: new PoolContainers('docker', { ...DEFAULTS, ...made }, DEFAULTS, send, nothing),
		send,
	};
}

it('leaves empty what is the server’s own setting', () => {
	const { form: shown } = form({ cpus: 1.5 });
	expect(shown.fields).toEqual({ image: '', memory_mb: '', cpus: '1.5', pids: '', disk_mb: '' });
	expect(shown.dirty).toBe(false);
});

it('sends what was changed, and null for what was emptied', async () => {
	const { form: shown, send } = form({ cpus: 1.5 });
	shown.fields.cpus = '';
	shown.fields.memory_mb = ' 2000 ';
	shown.fields.image = 'ours:1';
	expect(await shown.save()).toBe(true);
	expect(send.mock.calls).toEqual([['docker', { cpus: null, memory_mb: 2000, image: 'ours:1' }]]);
});

it('asks for a number where one belongs', async () => {
	const { form: shown, send } = form();
	shown.fields.pids = 'many';
	expect(await shown.save()).toBe(false);
	expect(shown.errors).toEqual({ pids: 'Say a number.' });
	expect(send).not.toHaveBeenCalled();
});

it('says at its field what the server refuses', async () => {
	const problem = { title: 'Invalid', status: 422, detail: 'No.', code: 'invalid' };
	const refusal = new ApiError({ ...problem, fields: { cpus: 'There are 2 processors.' } });
	const { form: shown } = form(
		{},
		vi.fn(() => Promise.reject(refusal)),
	);
	shown.fields.cpus = '64';
	expect(await shown.save()).toBe(false);
	expect(shown.errors.cpus).toBe('There are 2 processors.');
	expect(shown.failure).toBeNull();
	expect(shown.fields.cpus).toBe('64');
});

it('puts what a container may use into one line', () => {
	expect(summary(DEFAULTS)).toBe('lazyaf-runner:latest · 4,096 MB · 2 processors');
	expect(summary({ ...DEFAULTS, memory_mb: 700, cpus: 1 })).toBe(
		'lazyaf-runner:latest · 700 MB · 1 processor',
	);
	expect(summary(null)).toBe('');
});
