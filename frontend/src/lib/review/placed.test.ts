import { describe, expect, it } from 'vitest';
import { diffRows } from './diff-rows.ts';
import { aComment, diff, file } from './factories.ts';
import { draftsIn, placedIn } from './placed.ts';
import { rangesOf } from './ranges.ts';

const lines = [' a', '-b', '+B', ' e'];
const whole = { diff: diff('tip', [file('x.ts', lines)]), isTip: true, whole: true };
const at = (line: number, path = 'x.ts') => ({ path, line, start_line: null });

describe('sent comments in a diff', () => {
	it('stand where their lines are now, or nowhere', () => {
		const comments = [
			aComment({ number: 1, line: 5, at: at(11) }),
			aComment({ number: 2, at: null }),
			aComment({ number: 3, side: 'old', at: at(11) }),
		];
		expect(placedIn(comments, whole).map(({ line }) => line)).toEqual([11, null, 11]);
	});

	it('stand where they were written in what they were written on', () => {
		const comment = aComment({ line: 5, head_sha: 'first', at: at(11) });
		const first = { ...whole, diff: diff('first', []), isTip: false, whole: false };
		expect(placedIn([comment], first)[0]?.line).toBe(5);
		const second = { ...first, diff: diff('second', []) };
		expect(placedIn([comment], second)[0]?.line).toBeNull();
	});

	it('on a line that a round has changed stand on what was removed', () => {
		const comment = aComment({ line: 11, head_sha: 'first', at: null });
		const part = { ...whole, whole: false };
		const placed = (carried: 'direct' | 'merged') =>
			placedIn([comment], { ...part, diff: diff('tip', [], { carried, base_sha: 'first' }) })[0];
		expect(placed('direct')).toMatchObject({ side: 'old', line: 11 });
		expect(placed('merged')).toMatchObject({ side: 'new', line: null });
		expect(placedIn([comment], whole)[0]?.line).toBeNull();
	});

	it('on removed lines need the very base of what is shown', () => {
		const comment = aComment({ side: 'old', line: 5, base_sha: 'base', at: at(11) });
		const part = { ...whole, whole: false };
		const shown = (carried: 'direct' | 'merged', base_sha = 'base') =>
			placedIn([comment], { ...part, diff: diff('tip', [], { carried, base_sha }) })[0]?.line;
		expect(shown('direct')).toBe(5);
		expect(shown('direct', 'other')).toBeNull();
		expect(shown('merged')).toBeNull();
	});

	it('are rows beneath their lines; others are folded beneath the head of their file', () => {
		const comments = [
			aComment({ number: 1, at: at(11) }),
			aComment({ number: 2, at: at(11) }),
			aComment({ number: 3, at: null }),
			aComment({ number: 4, at: at(99) }),
			aComment({ number: 5, at: at(11, 'y.ts') }),
		];
		const layout = { split: false, collapsed: () => false, drafts: [] };
		const rows = (unfolded: boolean) =>
			diffRows([file('x.ts', lines)], {
				...layout,
				sent: placedIn(comments, whole),
				unfolded: () => unfolded,
			}).map((row) =>
				row.kind === 'sent' ? row.number : row.kind === 'aside' ? `${row.count} aside` : row.kind,
			);
		const body = ['hunk', 'line', 'line', 'line', 1, 2, 'line'];
		expect(rows(false)).toEqual(['file', '2 aside', ...body]);
		expect(rows(true)).toEqual(['file', '2 aside', 3, 4, ...body]);
	});

	it('drafts of another diff have no line in this one', () => {
		const draft = {
			id: '1',
			path: 'x.ts',
			side: 'new' as const,
			line: 11,
			body: '',
			editing: true,
		};
		const lineOf = (fields: object) => draftsIn([{ ...draft, ...fields }], whole.diff)[0]?.line;
		expect(lineOf({ head_sha: 'tip' })).toBe(11);
		expect(lineOf({ head_sha: 'first' })).toBe(-1);
		expect(lineOf({})).toBe(11);
		expect(lineOf({ side: 'old', head_sha: 'tip', base_sha: 'other' })).toBe(-1);
	});
});

describe('the parts of the changes', () => {
	const round = {
		number: 1,
		job_id: 'j',
		agent: 'script',
		status: 'completed' as const,
		stop_reason: null,
		message: '',
		comments: [],
		base_sha: 'base',
		before_sha: null,
		after_sha: 'first',
		base_moved: false,
		created_at: '',
		completed_at: '',
	};
	const second = { ...round, number: 2, before_sha: 'first', after_sha: 'tip', comments: [1, 2] };
	const changes = { range: 'all' as const, rounds: [round] };
	const seen = { changes, reviewedSha: null, headSha: 'tip' };

	it('are only all of them in the first round', () => {
		expect(rangesOf(seen, () => undefined)).toHaveLength(1);
	});

	it('are named, the newest round first', () => {
		const rounds = [round, { ...second, base_moved: true }];
		const items = rangesOf(
			{ ...seen, changes: { range: 'all', rounds }, reviewedSha: 'first' },
			() => undefined,
		);
		expect(items.map(({ label }) => label)).toEqual([
			'All changes',
			'Since your review',
			'Round 2',
			'Round 1',
		]);
		expect(items[2]?.detail).toBe('2 comments · the base came in');
		expect(items[0]?.checked).toBe(true);
	});
});
