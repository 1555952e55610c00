import { describe, expect, it, vi } from 'vitest';
import type { CardLive, CardSummary, Conflicts } from '#lib/api/types.ts';
import { aLive } from '#lib/live/blank.ts';
import { aCard } from '#lib/live/factories.ts';
import { InTheWay, isInTheWay } from './conflicts.svelte.ts';
import { mergeWord, named, numbers } from './merge-state.ts';

const reviewed = (live: Partial<CardLive>, fields: Partial<CardSummary> = {}) =>
	aCard({ status: 'in_review', head_sha: 'abc', live: aLive(live), ...fields });

describe('the word on merging', () => {
	it.each<[Partial<CardLive>, string, string]>([
		[{ mergeable: true }, 'ok', 'merges cleanly'],
		[{ mergeable: false, conflicts: ['a'] }, 'warn', '1 conflict'],
		[{ mergeable: false, conflicts: ['a', 'b'], conflicts_with: [3] }, 'warn', '2 conflicts'],
		[{ mergeable: false, conflicts: [] }, 'warn', 'conflicts'],
		[{ mergeable: true, conflicts_with: [12, 15] }, 'warn', 'conflicts with #12, #15'],
		[{ mergeable: null }, 'dim', 'merge unknown'],
	])('%o', (live, tone, text) => {
		expect(mergeWord(reviewed(live))).toMatchObject({ tone, text });
	});

	it('is silent about a card that has no branch, and plain about one that changed nothing', () => {
		expect(mergeWord(reviewed({ mergeable: null }, { head_sha: null }))).toBeNull();
		expect(mergeWord(reviewed({ mergeable: true }, { no_changes: true }))?.text).toBe('no changes');
	});

	it('names a few and counts the rest', () => {
		expect(numbers([1, 2, 3, 4, 5])).toBe('#1, #2, #3 and 2 more');
		expect(named(['a', 'b', 'c'], 2)).toEqual({ files: ['a', 'b'], more: 1 });
	});
});

describe('what is in the way', () => {
	const found = { files: ['a'], cards: [] } as unknown as Conflicts;

	it('is there for a card in review that does not merge, has rivals, or is behind', () => {
		expect(isInTheWay(reviewed({ mergeable: true, behind: 0 }))).toBe(false);
		expect(isInTheWay(reviewed({ mergeable: true, behind: 2 }))).toBe(true);
		expect(isInTheWay(reviewed({ mergeable: true, conflicts_with: [2] }))).toBe(true);
		const state = { state: 'queued' as const, head_sha: 'abc', job_id: null };
		const merge_state = { ...state, together: [], reason: null, detail: null, files: [] };
		expect(isInTheWay(reviewed({ mergeable: true, behind: 2 }, { merge_state }))).toBe(false);
		expect(isInTheWay(reviewed({ mergeable: false }))).toBe(true);
		expect(isInTheWay(reviewed({ mergeable: false }, { status: 'done' }))).toBe(false);
		expect(isInTheWay(reviewed({ mergeable: false }, { no_changes: true }))).toBe(false);
	});

	it('is read once for each version, and forgotten when nothing is', async () => {
		const read = vi.fn(async () => found);
		const way = new InTheWay(read);
		await way.load(reviewed({ mergeable: true }));
		expect(read).not.toHaveBeenCalled();
		await way.load(reviewed({ mergeable: false }));
		await way.load(reviewed({ mergeable: false }));
		expect([read.mock.calls.length, way.found]).toEqual([1, found]);
		await way.load(reviewed({ mergeable: false }, { version: 2 }));
		expect(read).toHaveBeenCalledTimes(2);
		await way.load(reviewed({ mergeable: true }, { version: 3 }));
		expect(way.found).toBeNull();
	});

	it('is asked for again after a failure, and an answer that comes late is no answer', async () => {
		const read = vi.fn(async () => found);
		const way = new InTheWay(read);
		read.mockRejectedValueOnce(new Error('away'));
		await way.load(reviewed({ mergeable: false }));
		expect(way.found).toBeNull();
		await way.load(reviewed({ mergeable: false }));
		expect(way.found).toBe(found);

		let answer: (late: Conflicts) => void = () => undefined;
		read.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
		const late = way.load(reviewed({ mergeable: false }, { version: 2 }));
		await way.load(reviewed({ mergeable: true }, { version: 3 }));
		answer(found);
		await late;
		expect(way.found).toBeNull();
	});
});
