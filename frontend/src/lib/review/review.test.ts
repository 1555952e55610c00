import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Card } from '#lib/api/types.ts';
import { card, diff, file, MemoryStorage } from './factories.ts';
import { NotReviewed, ReviewController } from './review.svelte.ts';
import type { Diff } from './types.ts';

/** The ends of the diff in which comments are written. */
const between = { base_sha: 'base', head_sha: 'head' };
let storage: MemoryStorage;
let answer: Diff;
const approve = vi.fn(async () => ({}) as Card);
const requestChanges = vi.fn(async () => ({}) as Card);
const suggest = vi.fn(async () => ({}) as Card);

function controller() {
	const review = new ReviewController({
		diff: async () => answer,
		since: async () => diff('new', [file('b.ts', ['+since'])], { carried: 'direct' }),
		round: async () => diff('first', [file('c.ts', ['+round'])], { carried: 'direct' }),
		rounds: async () => [],
		comments: async () => [],
		commits: async () => [{ sha: 'new' }, { sha: 'between' }, { sha: 'head' }],
		approve,
		requestChanges,
		suggest,
		storage,
	});
	review.open(card());
	return review;
}

beforeEach(() => {
	storage = new MemoryStorage();
	answer = diff('head', [file('a.ts', [' x', '-y', '+z'])]);
	vi.clearAllMocks();
});

describe('a review', () => {
	it('approves the commit that was shown', async () => {
		const review = controller();
		await expect(review.approve()).rejects.toThrow(NotReviewed);
		await review.load();
		await review.approve();
		expect(approve).toHaveBeenCalledWith('card', 'head', {});
	});

	it('refuses to approve when the branch has moved, until the new changes are shown', async () => {
		const review = controller();
		await review.load();
		answer = diff('new', answer.files);
		await review.changes.check();
		expect(review.moved).toEqual({ sha: 'new', commits: 2 });
		expect(review.headSha).toBe('head');
		await expect(review.approve()).rejects.toThrow(/moved/);
		expect(approve).not.toHaveBeenCalled();
		await review.load();
		await review.approve();
		expect(approve).toHaveBeenCalledWith('card', 'new', {});
	});

	it('reads more files of a large change, and none of another', async () => {
		const review = controller();
		answer = diff('head', [file('a.ts', ['+a'])], { total_files: 2, next_cursor: 'c' });
		await review.load();
		answer = diff('head', [file('b.ts', ['+b'])], { total_files: 2 });
		await review.changes.loadMore();
		expect(review.changes.files.map((f) => f.path)).toEqual(['a.ts', 'b.ts']);
		expect(review.changes.diff?.next_cursor).toBeNull();
		await review.changes.loadMore(); // there is no more
		expect(review.changes.files).toHaveLength(2);
		answer = diff('head', [file('a.ts', ['+a'])], { total_files: 2, next_cursor: 'c' });
		await review.load();
		answer = diff('new', [file('z.ts', ['+z'])]);
		await review.changes.loadMore();
		expect(review.changes.files.map((f) => f.path)).toEqual(['a.ts']);
		expect(review.moved?.sha).toBe('new');
	});

	it('keeps drafts over a reload, per card', async () => {
		const first = controller();
		await first.load();
		const draft = first.draft('a.ts', 'new', 11);
		first.change(draft.id, { body: 'Why?' });
		const second = controller();
		expect(second.drafts).toMatchObject([{ path: 'a.ts', line: 11, body: 'Why?', editing: true }]);
		second.open(card('other'));
		expect(second.drafts).toEqual([]);
		second.open(card());
		expect(second.comments).toEqual([{ path: 'a.ts', line: 11, body: 'Why?', ...between }]);
	});

	it('goes on with the draft that is on a line already', () => {
		const review = controller();
		const draft = review.draft('a.ts', 'new', 11);
		review.change(draft.id, { body: 'One', editing: false });
		expect(review.draft('a.ts', 'new', 11).id).toBe(draft.id);
		expect(review.drafts).toHaveLength(1);
		review.draft('a.ts', 'old', 11);
		expect(review.drafts).toHaveLength(2);
	});

	it('sends the written drafts and forgets them, but only when they were taken', async () => {
		const review = controller();
		await review.load();
		review.change(review.draft('a.ts', 'new', 11).id, { body: ' Why? ' });
		review.change(review.draft('a.ts', 'old', 11).id, { body: 'Keep it' });
		review.draft('a.ts', 'new', 10);
		requestChanges.mockRejectedValueOnce(new Error('Down'));
		await expect(review.requestChanges('Please')).rejects.toThrow('Down');
		expect(review.drafts).toHaveLength(3);
		await review.requestChanges('Please');
		expect(requestChanges).toHaveBeenLastCalledWith('card', 'Please', [
			{ path: 'a.ts', line: 11, body: 'Why?', ...between },
			{ path: 'a.ts', side: 'old', line: 11, body: 'Keep it', ...between },
		]);
		expect(controller().drafts).toEqual([]);
		await expect(review.requestChanges(' ')).rejects.toThrow(NotReviewed);
	});

	it('sends one comment and keeps the others', async () => {
		const review = controller();
		await review.load();
		const one = review.draft('a.ts', 'new', 11);
		review.change(one.id, { body: 'One' });
		review.change(review.draft('a.ts', 'new', 12).id, { body: 'Two' });
		await review.sendOne(one.id);
		expect(requestChanges).toHaveBeenCalledWith('card', '', [
			{ path: 'a.ts', line: 11, body: 'One', ...between },
		]);
		expect(review.comments).toEqual([{ path: 'a.ts', line: 12, body: 'Two', ...between }]);
	});

	it('keeps the mark of a seen file until its change changes', async () => {
		const review = controller();
		answer = diff('head', [file('a.ts', ['+one']), file('b.ts', ['+two'])]);
		await review.load();
		for (const seen of review.changes.files) review.setViewed(seen, true);
		expect([...review.viewed]).toEqual(['a.ts', 'b.ts']);
		answer = diff('new', [file('a.ts', ['+one']), file('b.ts', ['+2'])]);
		const later = controller();
		await later.load();
		expect([...later.viewed]).toEqual(['a.ts']);
	});

	it('offers what came after the last review', async () => {
		const review = controller();
		await review.load();
		await review.requestChanges('More');
		answer = diff('new', answer.files);
		const later = controller();
		await later.load();
		expect(later.reviewedSha).toBe('head');
		await later.changes.load('since');
		expect(later.changes.files.map(({ path }) => path)).toEqual(['b.ts']);
		expect(later.headSha).toBe('new');
	});

	it('approves what was seen while a round is looked at', async () => {
		const review = controller();
		await review.load();
		await review.changes.load(1);
		expect(review.changes.files.map(({ path }) => path)).toEqual(['c.ts']);
		expect(review.headSha).toBe('head');
		expect(review.changes.shown).toMatchObject({ isTip: false, whole: false });
		await review.changes.check();
		expect(review.moved).toBeNull();
		await review.approve({ method: 'squash' });
		expect(approve).toHaveBeenCalledWith('card', 'head', { method: 'squash' });
	});

	it('shows all the changes when the branch has moved under a round', async () => {
		const review = controller();
		await review.load();
		await review.changes.load(1);
		answer = diff('new', answer.files);
		await review.changes.check();
		expect(review.moved?.sha).toBe('new');
		await review.load();
		expect(review.changes.range).toBe('all');
		expect(review.headSha).toBe('new');
	});

	it('names the commits between which a comment is written', async () => {
		const review = controller();
		await review.load();
		await review.changes.load(1);
		review.change(review.draft('c.ts', 'new', 10).id, { body: 'Here' });
		await review.changes.load('all');
		review.change(review.draft('c.ts', 'new', 10).id, { body: 'And here' });
		expect(review.comments.map((c) => c.head_sha)).toEqual(['first', 'head']);
	});

	it('lets a comment that is being written reach over several lines', async () => {
		const review = controller();
		await review.load();
		const one = review.draft('a.ts', 'new', 11);
		review.change(one.id, { body: 'All of it' });
		expect(review.draft('a.ts', 'new', 13, true).id).toBe(one.id);
		expect(review.draft('a.ts', 'new', 10, true).id).toBe(one.id);
		expect(review.comments).toMatchObject([{ start_line: 10, line: 13, body: 'All of it' }]);
		expect(review.draft('a.ts', 'old', 12, true).id).not.toBe(one.id);
		review.change(one.id, { editing: false });
		expect(review.draft('a.ts', 'new', 15, true).id).not.toBe(one.id);
	});

	it('loads a large file alone', async () => {
		const review = controller();
		answer = diff('head', [file('big.ts', [], { hunks: [], too_large: true })]);
		await review.load();
		answer = diff('head', [file('big.ts', ['+whole'])]);
		await review.changes.loadFile('big.ts');
		expect(review.changes.files[0]?.hunks).toHaveLength(1);
	});

	it('commits a suggestion at the tip that was seen, and shows the changes as they are then', async () => {
		const review = controller();
		const suggestion = { path: 'a.ts', start_line: 11, line: 11, text: 'y\n' };
		const draft = review.draft('a.ts', 'new', 11);
		await expect(review.commitSuggestion(suggestion, draft.id)).rejects.toThrow(NotReviewed);
		await review.load();
		answer = diff('new', answer.files);
		await review.commitSuggestion(suggestion, draft.id);
		expect(suggest).toHaveBeenCalledWith('card', 'head', [suggestion]);
		expect(review.drafts).toEqual([]);
		expect(review.headSha).toBe('new');
		answer = diff('newer', answer.files);
		await review.changes.check();
		await expect(review.commitSuggestion(suggestion, draft.id)).rejects.toThrow(/moved/);
		expect(suggest).toHaveBeenCalledTimes(1);
	});

	it('works without a storage', async () => {
		const review = new ReviewController({ diff: async () => answer, storage: null });
		review.open(card());
		review.draft('a.ts', 'new', 1);
		expect(review.drafts).toHaveLength(1);
	});
});
