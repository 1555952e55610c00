/** Changed files as a tree; directories with a single child are one line. Pure. */

import type { FileDiff } from './types.ts';

export interface DirLine {
	kind: 'dir';
	key: string;
	name: string;
	depth: number;
}
export interface FileLine {
	kind: 'file';
	key: string;
	name: string;
	depth: number;
	file: FileDiff;
}
export type TreeLine = DirLine | FileLine;

interface Dir {
	dirs: Map<string, Dir>;
	files: [string, FileDiff][];
}
const newDir = (): Dir => ({ dirs: new Map(), files: [] });

/** In the order in which the files are shown, directories first. */
export function treeLines(files: readonly FileDiff[], closed: ReadonlySet<string>): TreeLine[] {
	const root = newDir();
	for (const file of files) {
		const parts = file.path.split('/');
		const name = parts.pop() ?? file.path;
		let dir = root;
		for (const part of parts) {
			let next = dir.dirs.get(part);
			if (!next) dir.dirs.set(part, (next = newDir()));
			dir = next;
		}
		dir.files.push([name, file]);
	}
	const lines: TreeLine[] = [];
	walk(root, '', 0, closed, lines);
	return lines;
}

function walk(
	dir: Dir,
	path: string,
	depth: number,
	closed: ReadonlySet<string>,
	lines: TreeLine[],
): void {
	for (const [first, child] of [...dir.dirs].toSorted(byName)) {
		let name = first;
		let inner = child;
		for (;;) {
			const only = inner.dirs.entries().next();
			if (inner.files.length > 0 || inner.dirs.size !== 1 || only.done) break;
			name += `/${only.value[0]}`;
			inner = only.value[1];
		}
		const key = path + name;
		lines.push({ kind: 'dir', key: `${key}/`, name, depth });
		if (!closed.has(`${key}/`)) walk(inner, `${key}/`, depth + 1, closed, lines);
	}
	for (const [name, file] of dir.files.toSorted(byName)) {
		lines.push({ kind: 'file', key: file.path, name, depth, file });
	}
}

const byName = (a: readonly [string, unknown], b: readonly [string, unknown]) =>
	a[0].localeCompare(b[0], 'en');

/** The files in the tree's order, so that the diff reads as the tree does. */
export function inTreeOrder(files: readonly FileDiff[]): FileDiff[] {
	return treeLines(files, new Set()).flatMap((line) => (line.kind === 'file' ? [line.file] : []));
}
