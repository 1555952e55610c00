import { describe, expect, it } from 'vitest';
import { changedParts, diffRows, sideLines, type DiffRow } from './diff-rows.ts';
import { file, side } from './factories.ts';
import { segments } from './tokens.ts';
import { inTreeOrder, treeLines } from './tree.ts';
import type { Draft } from './types.ts';

const lines = [' a', '-b', '-c', '+B', '+C', '+D', ' e'];
const layout = { split: false, collapsed: () => false, drafts: [] as Draft[] };
const draft = (side: Draft['side'], line: number, path = 'x.ts'): Draft => ({
	id: `${side}${line}`,
	path,
	side,
	line,
	body: '',
	editing: true,
});
const shape = (rows: DiffRow[]) =>
	rows.map((row) =>
		row.kind === 'line' || row.kind === 'pair'
			? `${row.old?.number ?? ''}|${row.new?.number ?? ''}`
			: row.kind,
	);

describe('the rows of a diff', () => {
	it('lists removed before added lines', () => {
		expect(shape(diffRows([file('x.ts', lines)], layout))).toEqual([
			...['file', 'hunk'],
			...['10|10', '11|', '12|', '|11', '|12', '|13', '13|14'],
		]);
	});

	it('puts them side by side', () => {
		expect(shape(diffRows([file('x.ts', lines)], { ...layout, split: true }))).toEqual([
			...['file', 'hunk'],
			...['10|10', '11|11', '12|12', '|13', '13|14'],
		]);
	});

	it('puts comments under their lines, and above what no longer has theirs', () => {
		const drafts = [draft('new', 12), draft('old', 11), draft('new', 99), draft('new', 11, 'y.ts')];
		for (const split of [false, true]) {
			const rows = diffRows([file('x.ts', lines)], { ...layout, split, drafts });
			const found = rows.flatMap((row) => (row.kind === 'draft' ? [[row.key, row.outdated]] : []));
			expect(found).toEqual([
				['new99', true],
				['old11', false],
				['new12', false],
			]);
		}
	});

	it('says why a file has no lines', () => {
		const empty = { hunks: [] };
		const files = [
			file('a', [], { ...empty, binary: true }),
			file('b', [], { ...empty, too_large: true }),
			file('c', [], { ...empty, old: side(), new: side({ mode: '100755' }) }),
			file('d', [], empty),
		];
		const notes = diffRows(files, layout).flatMap((row) => (row.kind === 'note' ? [row.note] : []));
		expect(notes).toEqual(['binary', 'too_large', 'mode', 'empty']);
	});

	it('shows only the head of a folded file', () => {
		const rows = diffRows([file('x.ts', lines)], { ...layout, collapsed: () => true });
		expect(shape(rows)).toEqual(['file']);
	});

	it('has a key for each row', () => {
		const rows = diffRows([file('x.ts', lines), file('y.ts', lines)], layout);
		expect(new Set(rows.map((row) => row.key)).size).toBe(rows.length);
	});

	it('knows the line that ends without a newline', () => {
		const rows = diffRows([file('x.ts', ['-a', '\\No newline', '+a'])], layout);
		const sides = rows.flatMap((row) => (row.kind === 'line' ? [row.old ?? row.new] : []));
		expect(sides.map((side) => side?.bare)).toEqual([true, undefined]);
	});

	it('gives the highlighter each side as it stood', () => {
		const hunk = file('x.ts', lines).hunks[0];
		if (!hunk) throw new Error('no hunk');
		expect(sideLines(hunk, 'old').join('')).toBe('abce');
		expect(sideLines(hunk, 'new').join('')).toBe('aBCDe');
	});
});

describe('what changed in a line', () => {
	it('is the middle between what both have', () => {
		expect(changedParts('const a = 1;', 'const a = 22;')).toEqual([
			[10, 11],
			[10, 12],
		]);
	});
	it('is nothing when the lines have little in common', () => {
		expect(changedParts('return x;', 'if (y) {')).toBeNull();
	});
	it('is cut into segments together with the colours', () => {
		expect(segments('const a', [5, 2, 2, 0], [3, 7])).toEqual([
			{ text: 'con', token: 2, changed: false },
			{ text: 'st', token: 2, changed: true },
			{ text: ' a', token: 0, changed: true },
		]);
		expect(segments('x', null, null)).toEqual([{ text: 'x', token: 0, changed: false }]);
		// Colours that do not reach the end leave the rest plain.
		expect(segments('abc', [1, 3], null).map(({ text }) => text)).toEqual(['a', 'bc']);
	});
});

describe('the file tree', () => {
	const files = ['b.ts', 'src/lib/deep/a.ts', 'src/lib/deep/b.ts', 'docs/x.md'].map((path) =>
		file(path, []),
	);
	it('joins directories that have a single child', () => {
		expect(treeLines(files, new Set()).map(({ name, depth }) => `${depth} ${name}`)).toEqual([
			'0 docs',
			'1 x.md',
			'0 src/lib/deep',
			'1 a.ts',
			'1 b.ts',
			'0 b.ts',
		]);
	});
	it('hides what is in a closed directory, but never from the diff', () => {
		expect(treeLines(files, new Set(['src/lib/deep/'])).map(({ name }) => name)).toEqual([
			'docs',
			'x.md',
			'src/lib/deep',
			'b.ts',
		]);
		expect(inTreeOrder(files)).toHaveLength(4);
	});
});
