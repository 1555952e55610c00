/** What the rows of a conversation are, and what of an entry they show. Pure. */

import type { Entry } from './types.ts';

export interface EntryRow {
	kind: 'phase' | 'message' | 'thinking' | 'user' | 'system' | 'git' | 'raw';
	key: string;
	entry: Entry;
	/** Said before the agent did anything: the prompt, as LazyAF wrote it. */
	prompt?: boolean;
}
export interface ToolRow {
	kind: 'tool';
	key: string;
	/** Null while the call is not held: it stands further up. */
	call: Entry | null;
	/** Null while the tool runs, or while the result is not held: it stands further down. */
	result: Entry | null;
}
export interface OutputRow {
	kind: 'output';
	key: string;
	entries: readonly Entry[];
	lines: number;
	characters: number;
}
export interface AttemptRow {
	kind: 'attempt';
	key: string;
	attempt: number;
}
export type Row = EntryRow | ToolRow | OutputRow | AttemptRow;

/** Lines in one block of output: a row must stay cheap to lay out. */
export const BLOCK_LINES = 100;
/** Characters of a text that are put on the page before somebody asks for all of it. */
export const SHOWN = 20_000;

/** The entries that a row shows, oldest first. */
export function entriesOf(row: Row): readonly Entry[] {
	switch (row.kind) {
		case 'attempt':
			return [];
		case 'tool':
			return [row.call, row.result].filter((entry) => entry !== null);
		case 'output':
			return row.entries;
		default:
			return [row.entry];
	}
}

/** What a search looks through. */
export function entryText(entry: Entry): string {
	return [entry.name, entry.text, entry.detail?.subject].filter(Boolean).join('\n');
}

/** Characters that an entry keeps in memory, about. */
export function sizeOf(entry: Entry): number {
	let size = entry.text.length + (entry.raw?.length ?? 0);
	if (entry.input !== null) size += JSON.stringify(entry.input).length;
	if (entry.detail !== null) size += JSON.stringify(entry.detail).length;
	return size;
}

/** The file a tool works on, when its arguments name one. */
export function toolPath(call: Entry | null): string | null {
	const input = call?.input;
	const path = input?.['file_path'] ?? input?.['path'] ?? input?.['notebook_path'];
	return typeof path === 'string' ? path : null;
}

export function countLines(text: string): number {
	if (text === '') return 0;
	let lines = text.endsWith('\n') ? 0 : 1;
	for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines += 1;
	return lines;
}
