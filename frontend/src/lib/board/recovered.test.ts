import { describe, expect, it, vi } from 'vitest';
import { ApiError } from '#lib/api/http.ts';
import type { Card, LiveEvent, RecoveredWork } from '#lib/api/types.ts';
import { aCard } from '#lib/live/factories.ts';
import { Recovered, whyNotUse } from './recovered.svelte.ts';

const work = (sha: string): RecoveredWork => ({
	sha,
	job_id: 'j1',
	attempt: 1,
	subject: 'Half of it',
	committed_at: '2026-11-01T12:00:00Z',
	commits: 2,
	additions: 3,
	deletions: 1,
	files: 1,
	is_unfinished: false,
});
const moved = { ...aCard({ head_sha: 'a' }), description: '', agent_options: {} } as Card;

function made(there: RecoveredWork[] = [work('a'), work('b')]) {
	const ports = {
		listRecovered: vi.fn(async () => [...there]),
		useRecovered: vi.fn(async (_: string, sha: string) => {
			there.splice(0, there.length, ...there.filter((item) => item.sha !== sha));
			return moved;
		}),
		discardRecovered: vi.fn(async (_: string, sha: string) => {
			there.splice(0, there.length, ...there.filter((item) => item.sha !== sha));
			return undefined;
		}),
	};
	const put = vi.fn();
	return { ports, put, recovered: new Recovered('c1', put, ports) };
}
const told = (type: string, subject: string) => ({ type, subject }) as LiveEvent;

describe('recovered work', () => {
	it('is read when the card is spoken of, and only then', async () => {
		const { ports, recovered } = made();
		recovered.event(told('card.updated', 'c2'));
		recovered.event(told('job.progressed', 'c1'));
		expect(ports.listRecovered).not.toHaveBeenCalled();
		recovered.event(told('card.updated', 'c1'));
		await vi.waitFor(() => expect(recovered.items).toHaveLength(2));
	});

	it('moves the branch and is gone then', async () => {
		const { ports, put, recovered } = made();
		await recovered.load();
		expect(await recovered.use('a')).toBe(true);
		expect(ports.useRecovered).toHaveBeenCalledWith('c1', 'a');
		expect(put).toHaveBeenCalledWith(moved);
		expect(recovered.items.map(({ sha }) => sha)).toEqual(['b']);
	});

	it('is put aside', async () => {
		const { put, recovered } = made();
		await recovered.load();
		expect(await recovered.discard('b')).toBe(true);
		expect(put).not.toHaveBeenCalled();
		expect(recovered.items.map(({ sha }) => sha)).toEqual(['a']);
	});

	it('says why it cannot be used', async () => {
		const { ports, recovered } = made();
		await recovered.load();
		ports.useRecovered.mockRejectedValueOnce(
			new ApiError({
				title: 'Conflict',
				detail: 'Card #1 is just being merged.',
				code: 'busy',
				status: 409,
				type: 'about:blank',
			}),
		);
		expect(await recovered.use('a')).toBe(false);
		expect(recovered.failure).toContain('just being merged');
		expect(recovered.busy).toBeNull();
		expect(recovered.items).toHaveLength(2);
	});

	it('waits while a job is open', () => {
		expect(whyNotUse('in_progress')).toMatch(/job is open/);
		expect(whyNotUse('done')).toMatch(/reopen/);
		for (const status of ['todo', 'in_review', 'failed'] as const) {
			expect(whyNotUse(status)).toBeNull();
		}
	});
});
