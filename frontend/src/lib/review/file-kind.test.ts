import { describe, expect, it } from 'vitest';
import { diffRows } from './diff-rows.ts';
import { file, side } from './factories.ts';
import { marks, remarkOn, sizes } from './file-kind.ts';
import { fingerprint } from './memory.ts';

const bare = { hunks: [], additions: 0, deletions: 0 };
const old = side({ id: 'a', size: 12_000 });

describe('what a changed file is', () => {
	it.each([
		[
			'a submodule',
			{ old: side({ kind: 'submodule' }), new: side({ kind: 'submodule', id: 'n' }) },
			'submodule',
			['submodule'],
		],
		[
			'a file that became one',
			{ status: 'type_changed', old, new: side({ kind: 'submodule' }) },
			'submodule',
			['type changed', 'submodule'],
		],
		[
			'an LFS pointer',
			{ old: side({ kind: 'lfs' }), new: side({ kind: 'lfs', id: 'n' }) },
			'lfs',
			['Git LFS'],
		],
		['what LFS took over', { binary: true, old, new: side({ kind: 'lfs' }) }, 'lfs', ['Git LFS']],
		['a mode', { old, new: { ...old, mode: '100755' } }, 'mode', ['executable now']],
		[
			'a mode back',
			{ old: { ...old, mode: '100755' }, new: old },
			'mode',
			['no longer executable'],
		],
		['a rename', { status: 'renamed', old_path: 'b', old, new: old }, 'same', ['renamed']],
		[
			'a rename of a binary',
			{ status: 'renamed', binary: true, old, new: old },
			'same',
			['renamed', 'binary'],
		],
		['a copy', { status: 'copied', old_path: 'b', old, new: old }, 'same', ['copied']],
		['a binary', { binary: true }, 'binary', ['binary']],
		[
			'a new script that is empty',
			{ status: 'added', old: null, new: side({ mode: '100755' }) },
			'empty',
			['new', 'executable'],
		],
		['an empty file that is gone', { status: 'deleted', new: null }, 'empty', ['deleted']],
		['a large file', { too_large: true }, 'too_large', []],
	] as const)('%s', (_, fields, remark, labels) => {
		const made = file('x', [], { ...bare, ...fields });
		expect(remarkOn(made)).toBe(remark);
		expect(marks(made)).toEqual(labels);
	});

	it('a symlink shows where it points', () => {
		const made = file('l', ['-a', '+b'], {
			old: side({ kind: 'symlink' }),
			new: side({ kind: 'symlink' }),
		});
		expect(remarkOn(made)).toBeNull();
		expect(marks(made)).toEqual(['symlink']);
		const lines = (kind: 'file' | 'symlink') => {
			const ends = file('l', ['-a', '\\ No newline', '+b', '\\ No newline'], {
				old: side({ kind }),
				new: side({ kind }),
			});
			const rows = diffRows([ends], { split: false, collapsed: () => false, drafts: [] });
			return rows.flatMap((row) => (row.kind === 'line' ? [(row.new ?? row.old)?.bare] : []));
		};
		expect(lines('symlink')).toEqual([false, false]); // a link never ends with a newline
		expect(lines('file')).toEqual([true, true]);
	});

	it('line endings alone are said in words, and the odd ones are marked', () => {
		expect(remarkOn(file('x', ['-a', '+a\r']))).toBe('crlf');
		expect(remarkOn(file('x', ['-a\r', '-b\r', '+a', '+b']))).toBe('lf');
		expect(remarkOn(file('x', ['-a\r', '+b']))).toBeNull();
		expect(remarkOn(file('x', ['-a', '+a', '+b\r']))).toBeNull();
		const layout = { split: false, collapsed: () => false, drafts: [] };
		const shown = (lines: string[]) =>
			diffRows([file('x', lines)], layout).flatMap((row) =>
				row.kind === 'line'
					? [[(row.new ?? row.old)?.text, (row.new ?? row.old)?.cr ?? false]]
					: [],
			);
		expect(shown(['-a', '+a\r'])).toEqual([
			['a', false],
			['a', true],
		]);
		expect(shown(['-a\r', '+b\r', ' c\r']).every(([, cr]) => !cr)).toBe(true);
	});
});

describe('sizes', () => {
	it('before and after', () => {
		expect(sizes(file('x', [], { old, new: side({ size: 14_000 }) }))).toBe('12 kB → 14 kB');
		expect(sizes(file('x', [], { old, new: old }))).toBe('still 12 kB');
		expect(sizes(file('x', [], { old: null, new: old }))).toBe('12 kB');
	});
});

describe('a mark of a file without lines', () => {
	it('holds while its objects and modes are the same', () => {
		const seen = fingerprint(file('x', [], { ...bare, old, new: side({ id: 'n' }) }));
		expect(fingerprint(file('x', [], { ...bare, old, new: side({ id: 'n' }) }))).toBe(seen);
		for (const now of [side({ id: 'm' }), side({ id: 'n', mode: '100755' }), null]) {
			expect(fingerprint(file('x', [], { ...bare, old, new: now }))).not.toBe(seen);
		}
	});
});
