import { describe, expect, it } from 'vitest';
import { Lanes } from './lanes.ts';
import type { Commit } from './types.ts';

/** `c b a`: a commit with its parents. */
function history(...lines: string[]) {
	const lanes = new Lanes();
	return lines.map((line) => {
		const [sha = '', ...parents] = line.split(' ');
		const commit: Commit = {
			sha,
			parents,
			subject: sha,
			author_name: '',
			author_email: '',
			committed_at: '',
			refs: [],
		};
		return lanes.add(commit);
	});
}
const places = (rows: ReturnType<typeof history>) => rows.map((row) => row.commit.sha + row.lane);

describe('lanes', () => {
	it('keeps a straight history in one lane', () => {
		const rows = history('c b', 'b a', 'a');
		expect(places(rows)).toEqual(['c0', 'b0', 'a0']);
		expect(rows[0]?.arriving).toEqual([]);
		expect(rows[1]?.arriving).toHaveLength(1);
		expect(rows[2]?.leaving).toEqual([]);
		expect(new Set(rows.map((row) => row.colour)).size).toBe(1);
	});

	it('puts a merged branch beside the main line, which stays straight', () => {
		const rows = history('m2 m1 f1', 'f1 m0', 'm1 m0', 'm0');
		expect(places(rows)).toEqual(['m20', 'f11', 'm10', 'm00']);
		expect(rows[0]?.leaving.map(({ to }) => to)).toEqual([0, 1]);
		expect(rows[3]?.arriving.map(({ from }) => from)).toEqual([0, 1]);
		expect(rows[1]?.passing.map(({ from }) => from)).toEqual([0]);
		expect(rows.map((row) => row.width)).toEqual([2, 2, 2, 2]);
	});

	it('starts an unmerged branch in a lane of its own and frees it again', () => {
		const rows = history('m1 m0', 'f1 m0', 'm0 r', 'r');
		expect(places(rows)).toEqual(['m10', 'f11', 'm00', 'r0']);
		expect(rows[3]?.width).toBe(1);
	});

	it('fills the gap that an ended branch left', () => {
		const rows = history('a r', 'b x', 'c y', 'x', 'd z', 'y', 'z', 'r');
		expect(places(rows)).toEqual(['a0', 'b1', 'c2', 'x1', 'd1', 'y2', 'z1', 'r0']);
	});

	it('draws an octopus merge and two roots', () => {
		const rows = history('o a b c', 'c', 'b', 'a');
		expect(rows[0]?.leaving.map(({ to }) => to)).toEqual([0, 1, 2]);
		expect(places(rows)).toEqual(['o0', 'c2', 'b1', 'a0']);
	});

	it('goes on where the page before it ended', () => {
		const whole = history('m2 m1 f1', 'f1 m0', 'm1 m0', 'm0');
		const lanes = new Lanes();
		const paged = whole.map((row) => lanes.add(row.commit));
		expect(paged).toEqual(whole);
	});
});
