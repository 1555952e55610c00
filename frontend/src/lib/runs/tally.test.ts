import { expect, it } from 'vitest';
import { entry } from './factories.ts';
import { Tally } from './tally.ts';

const usage = (turns: number) => ({
	input_tokens: 0,
	output_tokens: 0,
	cache_read_tokens: 0,
	cache_write_tokens: 0,
	cost_usd: 0,
	turns,
	duration_ms: 0,
});
const edit = (seq: number, id: string, path: string) => [
	entry(seq, 'tool_call', { call_id: id, name: 'Edit', input: { file_path: path } }),
	entry(seq + 1, 'tool_result', {
		call_id: id,
		detail: { patch: '', additions: 2, deletions: 1 },
	}),
];
const run = [
	...edit(1, 'a', 'x.ts'),
	...edit(3, 'b', 'x.ts'),
	entry(5, 'usage', { usage: usage(3) }),
	entry(6, 'tool_call', { call_id: 'c', name: 'Read', input: { file_path: 'y.ts' } }),
	entry(7, 'tool_result', { call_id: 'c' }),
	...edit(8, 'd', 'z.ts'),
	entry(10, 'usage', { usage: usage(5) }),
];

it('sums up a run alike whatever pages it comes in, each entry once', () => {
	for (let cut = 0; cut <= run.length; cut++) {
		for (let end = cut; end <= run.length; end++) {
			const tally = new Tally();
			tally.see(run.slice(end));
			tally.see(run.slice(cut, end));
			tally.see(run.slice(Math.max(0, cut - 2), end)); // read again, with some more
			tally.see(run.slice(0, cut));
			expect(tally.covers(1, 10), `cut at ${cut}, ${end}`).toBe(true);
			expect(tally.stats).toEqual({
				steps: 4,
				additions: 6,
				deletions: 3,
				files: new Set(['x.ts', 'z.ts']),
			});
			expect(tally.usage?.turns).toBe(5);
		}
	}
});

it('knows what it has not seen', () => {
	const tally = new Tally();
	tally.see(run.slice(0, 3));
	tally.see(run.slice(6));
	expect(tally.covers(1, 3)).toBe(true);
	expect(tally.covers(1, 10)).toBe(false);
	tally.note(4, 6);
	expect(tally.covers(1, 10)).toBe(true);
});
