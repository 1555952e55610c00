/** Lays a diff out as rows, one beside or under the other; a row knows all it needs to be drawn. Pure. */

import { remarkOn, type Remark } from './file-kind.ts';
import type { PlacedComment } from './placed.ts';
import type { DiffSide, Draft, FileDiff, Hunk } from './types.ts';
import { gapsOf, waysInto, type Span, type Way } from './unfold.ts';

export interface Side {
	/** Line number in its file. */
	number: number;
	text: string;
	origin: ' ' | '+' | '-';
	/** Where the changed part begins and ends, when the line was changed rather than replaced. */
	changed: readonly [number, number] | null;
	/** Its place among its hunk's lines of this side, by which the highlighter knows it. */
	index: number;
	/** The file ends here without a newline. */
	bare?: boolean;
	/** It ends with a carriage return, where other lines of its hunk do not. */
	cr?: boolean;
}

interface Base {
	key: string;
	file: FileDiff;
}
export interface FileRow extends Base {
	kind: 'file';
	collapsed: boolean;
}
export interface HunkRow extends Base {
	kind: 'hunk';
	/** Unchanged lines left out here; null where only the context is told. */
	gap: Span | null;
	/** What can be shown of them. */
	ways: readonly Way[];
	context: string;
}
export interface LineRow extends Base {
	kind: 'line';
	unit: string;
	hunk: Hunk;
	old: Side | null;
	new: Side | null;
}
/** A line of the split view. */
export interface PairRow extends Base {
	kind: 'pair';
	unit: string;
	hunk: Hunk;
	old: Side | null;
	new: Side | null;
}
export interface NoteRow extends Base {
	kind: 'note';
	note: Remark;
}
export interface DraftRow extends Base {
	kind: 'draft';
	draft: Draft;
	/** Its line is no longer part of the change. */
	outdated: boolean;
}
/** A comment that was sent, by its number. */
export interface SentRow extends Base {
	kind: 'sent';
	number: number;
}
/** How many sent comments are on lines that are not shown; unfolded, they follow. */
export interface AsideRow extends Base {
	kind: 'aside';
	count: number;
	open: boolean;
}
export type DiffRow =
	FileRow | HunkRow | LineRow | PairRow | NoteRow | DraftRow | SentRow | AsideRow;
/** What stands beneath a line. */
type Remarked = DraftRow | SentRow;

export interface Layout {
	split: boolean;
	collapsed: (path: string) => boolean;
	drafts: readonly Draft[];
	sent?: readonly PlacedComment[];
	/** How many lines the new file has, where that is known. */
	linesIn?: (file: FileDiff) => number | null;
	/** The comments of this file that are on no line are shown. */
	unfolded?: (path: string) => boolean;
}

export function diffRows(files: readonly FileDiff[], layout: Layout): DiffRow[] {
	const rows: DiffRow[] = [];
	for (const file of files) fileRows(rows, file, layout, remarksOn(file, layout));
	return rows;
}

/** The comments on a file by side and line, the sent ones first. */
function remarksOn(file: FileDiff, layout: Layout): Map<string, Remarked[]> {
	const found = new Map<string, Remarked[]>();
	const add = (at: string, row: Remarked) => found.set(at, [...(found.get(at) ?? []), row]);
	for (const { comment, path, side, line } of layout.sent ?? []) {
		const here = side === 'old' ? (file.old_path ?? file.path) : file.path;
		if (path !== here && path !== file.path) continue;
		const { number } = comment;
		add(`${side}${line}`, { kind: 'sent', key: `${file.path}#${number}`, file, number });
	}
	for (const draft of layout.drafts) {
		if (draft.path !== file.path) continue;
		const at = `${draft.side}${draft.line}`;
		add(at, { kind: 'draft', key: draft.id, file, draft, outdated: false });
	}
	return found;
}

function fileRows(
	rows: DiffRow[],
	file: FileDiff,
	layout: Layout,
	open: Map<string, Remarked[]>,
): void {
	const collapsed = layout.collapsed(file.path);
	rows.push({ kind: 'file', key: file.path, file, collapsed });
	if (collapsed) return;
	const start = rows.length;
	const note = remarkOn(file);
	if (note) rows.push({ kind: 'note', key: `${file.path}:note`, file, note });
	const gaps = gapsOf(file, layout.linesIn?.(file) ?? null);
	for (const [index, hunk] of file.hunks.entries()) {
		const gap = gaps[index] ?? null;
		const ways = gap ? waysInto(gap, index > 0, true) : [];
		const context = contextOf(hunk.header);
		if (gap || index > 0) {
			rows.push({ kind: 'hunk', key: `${file.path}@${hunk.new_start}`, file, gap, ways, context });
		}
		hunkRows(rows, file, hunk, layout.split, open);
	}
	const rest = gaps.at(-1);
	if (rest && file.hunks.length > 0) {
		const ways = waysInto(rest, true, false);
		rows.push({ kind: 'hunk', key: `${file.path}@end`, file, gap: rest, ways, context: '' });
	}
	rows.splice(start, 0, ...leftOver(file, [...open.values()].flat(), layout));
}

/** What is on no line that is shown: drafts as they are, sent comments folded. */
function leftOver(file: FileDiff, remarks: readonly Remarked[], layout: Layout): DiffRow[] {
	const sent = remarks.filter((row) => row.kind === 'sent');
	const drafts = remarks.flatMap((row) =>
		row.kind === 'draft' ? [{ ...row, outdated: true }] : [],
	);
	if (sent.length === 0) return drafts;
	const unfolded = layout.unfolded?.(file.path) ?? false;
	const key = `${file.path}:aside`;
	const aside: AsideRow = { kind: 'aside', key, file, count: sent.length, open: unfolded };
	return [aside, ...(unfolded ? sent : []), ...drafts];
}

/** `@@ -14,5 +14,11 @@ function f()` without its numbers, which the gutters show. */
function contextOf(header: string): string {
	return /^@@[^@]*@@ ?(.*)$/.exec(header)?.[1] ?? '';
}

function hunkRows(
	rows: DiffRow[],
	file: FileDiff,
	hunk: Hunk,
	split: boolean,
	open: Map<string, Remarked[]>,
): void {
	const unit = `${file.path}@${hunk.old_start},${hunk.new_start},${hunk.lines.length}`;
	const removed: Side[] = [];
	const added: Side[] = [];
	let before = hunk.old_start;
	let after = hunk.new_start;
	let oldIndex = 0;
	let newIndex = 0;
	let last: Side[] = [];
	const mixed = hasMixedEndings(hunk);
	const side = (number: number, raw: string, origin: Side['origin'], index: number): Side => {
		const cr = raw.endsWith('\r');
		const made: Side = { number, text: cr ? raw.slice(0, -1) : raw, origin, changed: null, index };
		if (cr && mixed) made.cr = true;
		return made;
	};

	const comment = (of: Draft['side'], line: Side | null) => {
		const at = line ? `${of}${line.number}` : '';
		rows.push(...(open.get(at) ?? []));
		open.delete(at);
	};
	const push = (kind: 'line' | 'pair', old: Side | null, fresh: Side | null) => {
		// By its numbers: it is the same row when more is shown around it.
		const key = `${file.path}:${old?.number ?? ''}:${fresh?.number ?? ''}`;
		rows.push({ kind, key, file, unit, hunk, old, new: fresh });
		if (old && (!fresh || old.origin === '-')) comment('old', old);
		comment('new', fresh);
	};
	const flush = () => {
		markChanged(removed, added);
		if (split) {
			for (let i = 0; i < Math.max(removed.length, added.length); i++) {
				push('pair', removed[i] ?? null, added[i] ?? null);
			}
		} else {
			for (const old of removed) push('line', old, null);
			for (const fresh of added) push('line', null, fresh);
		}
		removed.length = 0;
		added.length = 0;
	};

	for (const [origin, text] of hunk.lines) {
		if (origin === '-') {
			if (added.length > 0) flush();
			last = [side(before++, text, origin, oldIndex++)];
			removed.push(...last);
		} else if (origin === '+') {
			last = [side(after++, text, origin, newIndex++)];
			added.push(...last);
		} else if (origin === '\\') {
			// A link never ends with a newline.
			for (const line of last) line.bare = !isLink(line.origin === '-' ? file.old : file.new);
		} else {
			flush();
			const old = side(before++, text, origin, oldIndex++);
			const fresh = side(after++, text, origin, newIndex++);
			last = [old, fresh];
			push(split ? 'pair' : 'line', old, fresh);
		}
	}
	flush();
}

const isLink = (side: DiffSide | null) => side?.kind === 'symlink';

function hasMixedEndings(hunk: Hunk): boolean {
	const lines = hunk.lines.filter(([origin]) => origin !== '\\');
	const crs = lines.filter(([, text]) => text.endsWith('\r')).length;
	return crs > 0 && crs < lines.length;
}

/** Mark what differs inside lines that stand for each other: as many removed as added. */
function markChanged(removed: Side[], added: Side[]): void {
	if (removed.length !== added.length) return;
	for (const [i, old] of removed.entries()) {
		const fresh = added[i];
		if (!fresh) continue;
		const parts = changedParts(old.text, fresh.text);
		if (!parts) continue;
		old.changed = parts[0];
		fresh.changed = parts[1];
	}
}

/** The middles of two lines, between what they have in common; null when that is too little. */
export function changedParts(
	a: string,
	b: string,
): readonly [readonly [number, number], readonly [number, number]] | null {
	const shorter = Math.min(a.length, b.length);
	let head = 0;
	while (head < shorter && a[head] === b[head]) head += 1;
	let tail = 0;
	while (tail < shorter - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
	// Whole words: half of a name is no part of anything.
	const word = /[\w$]/;
	while (head > 0 && word.test(a[head - 1] ?? '') && word.test((a[head] ?? '') + (b[head] ?? ''))) {
		head -= 1;
	}
	const last = (text: string) => text[text.length - tail - 1] ?? '';
	while (tail > 0 && word.test(a[a.length - tail] ?? '') && word.test(last(a) + last(b))) tail -= 1;
	const common = a.slice(0, head).trim().length + a.slice(a.length - tail).trim().length;
	if (common < Math.max(a.trim().length, b.trim().length) * 0.3) return null;
	return [
		[head, a.length - tail],
		[head, b.length - tail],
	];
}

/** The lines of one side of a hunk, for the highlighter. */
export function sideLines(hunk: Hunk, side: 'old' | 'new'): string[] {
	const skip = side === 'old' ? '+' : '-';
	return hunk.lines
		.filter(([origin]) => origin !== skip && origin !== '\\')
		.map(([, text]) => text);
}
