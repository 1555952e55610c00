import { expect, test, vi } from 'vitest';
import type { LiveEvent, Repo } from '#lib/api/types.ts';
import { Blocked, mayAllow, timesText } from './blocked.svelte.ts';

const repo = (settings_from_file: string[] = []) =>
	({
		id: 'r1',
		settings: { allowed_hosts: ['a:1'] },
		settings_from_file,
	}) as unknown as Repo;

const event = (subject: string, counts: Record<string, number>) =>
	({
		type: 'job.progressed',
		subject,
		data: { job: { blocked_hosts: counts } },
	}) as unknown as LiveEvent;

test('the most wanted host comes first', async () => {
	const blocked = new Blocked(() => Promise.resolve({ 'a:1': 1, 'b:1': 3, 'c:1': 1 }));
	await blocked.load('one');
	expect(blocked.hosts.map(({ host }) => host)).toEqual(['b:1', 'a:1', 'c:1']);
});

test('a job of another card changes nothing', async () => {
	const blocked = new Blocked(() => Promise.resolve({}));
	await blocked.load('one');
	blocked.event(event('two', { 'a:1': 1 }));
	expect(blocked.hosts).toEqual([]);
	blocked.event(event('one', { 'a:1': 2 }));
	expect(blocked.hosts).toEqual([{ host: 'a:1', times: 2 }]);
});

test('an allowed host comes to those that are', async () => {
	const update = vi.fn(async () => repo());
	const blocked = new Blocked(undefined, update);
	expect(await blocked.allow('b:2', repo())).not.toBeNull();
	expect(update.mock.calls).toEqual([['r1', { settings: { allowed_hosts: ['a:1', 'b:2'] } }]]);
});

test('what the server says against it is shown', async () => {
	const blocked = new Blocked(undefined, () => Promise.reject(new Error('No.')));
	expect(await blocked.allow('b:2', repo())).toBeNull();
	expect(blocked.failure).toBe('No.');
	expect(blocked.busy).toBeNull();
});

test('nobody can allow what has no name, or what the file decides', () => {
	expect(mayAllow('b:2', repo())).toBe(true);
	expect(mayAllow('others', repo())).toBe(false);
	expect(mayAllow('b:2', repo(['allowed_hosts']))).toBe(false);
	expect(mayAllow('b:2', undefined)).toBe(false);
});

test('times in words', () => {
	expect(timesText(1)).toBe('once');
	expect(timesText(4)).toBe('4 times');
});
