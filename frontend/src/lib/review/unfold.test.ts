import { expect, it } from 'vitest';
import { Context } from './context.svelte.ts';
import { side } from './factories.ts';
import type { FileDiff, Hunk, Origin } from './types.ts';
import { gapsOf, linesOfText, unfolded } from './unfold.ts';

/** 40 lines; line 10 was changed, and after line 20 one was added, which is line 21. */
const content = Array.from({ length: 40 }, (_, i) => `line ${i + 1}`);
const line = (n: number): [Origin, string] => [' ', `line ${n}`];
const first: Hunk = {
	header: '@@ -7,7 +7,7 @@ f()',
	old_start: 7,
	old_lines: 7,
	new_start: 7,
	new_lines: 7,
	lines: [line(7), line(8), line(9), ['-', 'was'], ['+', 'line 10'], line(11), line(12), line(13)],
};
const second: Hunk = {
	header: '@@ -18,6 +18,7 @@ g()',
	old_start: 18,
	old_lines: 6,
	new_start: 18,
	new_lines: 7,
	lines: [line(18), line(19), line(20), ['+', 'line 21'], line(22), line(23), line(24)],
};
const file: FileDiff = {
	path: 'a.ts',
	old_path: null,
	status: 'modified',
	additions: 2,
	deletions: 1,
	binary: false,
	old: side({ id: 'before' }),
	new: side({ id: 'after' }),
	too_large: false,
	hunks: [first, second],
};
const numbers = (made: FileDiff) =>
	made.hunks.map(({ old_start, old_lines, new_start, new_lines, lines }) => {
		expect(lines.filter(([origin]) => origin !== '+')).toHaveLength(old_lines);
		expect(lines.filter(([origin]) => origin !== '-')).toHaveLength(new_lines);
		return [old_start, new_start, new_lines];
	});

it('knows what is left out, also when it does not know where the file ends', () => {
	expect(gapsOf(file, 40)).toEqual([
		{ from: 1, to: 6 },
		{ from: 14, to: 17 },
		{ from: 25, to: 40 },
	]);
	expect(gapsOf(file, null).at(-1)).toEqual({ from: 25, to: Infinity });
	const atEnd = { ...file, hunks: [{ ...second, lines: second.lines.slice(0, -1) }] };
	expect(gapsOf(atEnd, null).at(-1)).toBeNull();
});

it('shows lines around a hunk, counted on both sides', () => {
	expect(numbers(unfolded(file, content, [{ from: 5, to: 6 }]))).toEqual([
		[5, 5, 9],
		[18, 18, 7],
	]);
	expect(numbers(unfolded(file, content, [{ from: 25, to: 44 }]))).toEqual([
		[7, 7, 7],
		[18, 18, 23],
	]);
	const apart = unfolded(file, content, [{ from: 30, to: 32 }]);
	expect(numbers(apart).at(-1)).toEqual([29, 30, 3]);
});

it('joins what touches, whatever was asked for twice', () => {
	const all = { from: 1, to: Infinity };
	const whole = unfolded(file, content, [{ from: 14, to: 15 }, { from: 15, to: 17 }, all]);
	expect(numbers(whole)).toEqual([[1, 1, 40]]);
	const lines = whole.hunks[0]?.lines ?? [];
	expect(lines.filter(([origin]) => origin !== '-').map(([, text]) => text)).toEqual(content);
});

it('finds its place where lines were only removed', () => {
	const gone: Hunk = {
		...first,
		old_start: 5,
		old_lines: 1,
		new_start: 4,
		new_lines: 0,
		lines: [['-', 'x']],
	};
	const made = unfolded({ ...file, hunks: [gone] }, content, [{ from: 4, to: 6 }]);
	expect(numbers(made)).toEqual([[4, 4, 3]]);
	expect(made.hunks[0]?.lines.map(([origin]) => origin).join('')).toBe(' -  ');
});

it('reads a file once, and says why it could not', async () => {
	let asked = 0;
	const context = new Context(async () => {
		asked += 1;
		return new Blob([content.join('\n')]);
	});
	await context.show(file, { from: 5, to: 6 });
	await context.show(file, { from: 14, to: 17 });
	expect(asked).toBe(1);
	expect(context.linesIn(file)).toBe(40);
	expect(context.applied([file])[0]?.hunks).toHaveLength(1);
	const broken = new Context(() => Promise.reject(new Error('Down')));
	await broken.show(file, { from: 5, to: 6 });
	expect(broken.problems.get('a.ts')).toBe('Down');
	expect(broken.applied([file])[0]).toBe(file);
});

it('takes a text apart as git does', () => {
	expect(linesOfText('a\nb\n')).toEqual(['a', 'b']);
	expect(linesOfText('a\r\nb')).toEqual(['a\r', 'b']);
	expect(linesOfText('')).toEqual([]);
});
