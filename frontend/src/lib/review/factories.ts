/** Changes and cards for tests. */

import type { CardSummary, ReviewComment } from '#lib/api/types.ts';
import type { Diff, DiffSide, FileDiff, Origin } from './types.ts';

/** A file of one hunk from lines like `+added`. */
export function file(path: string, lines: string[], fields: Partial<FileDiff> = {}): FileDiff {
	const cut = lines.map((line): [Origin, string] => [line[0] as Origin, line.slice(1)]);
	const count = (...origins: string[]) => cut.filter(([origin]) => origins.includes(origin)).length;
	return {
		path,
		old_path: null,
		status: 'modified',
		additions: count('+'),
		deletions: count('-'),
		binary: false,
		old: side({ id: 'before' }),
		new: side({ id: 'after' }),
		too_large: false,
		hunks: [
			{
				header: '@@ -10,3 +10,3 @@ function f()',
				old_start: 10,
				old_lines: count(' ', '-'),
				new_start: 10,
				new_lines: count(' ', '+'),
				lines: cut,
			},
		],
		...fields,
	};
}

export const side = (fields: Partial<DiffSide> = {}): DiffSide => ({
	kind: 'file',
	mode: '100644',
	id: 'blob',
	size: 100,
	...fields,
});

export function diff(head: string, files: FileDiff[], fields: Partial<Diff> = {}): Diff {
	return {
		base_sha: 'base',
		head_sha: head,
		base_ref: 'main',
		head_ref: 'lazyaf/1-x',
		additions: 0,
		deletions: 0,
		carried: null,
		carried_conflicts: [],
		mergeable: true,
		conflicts: [],
		total_files: files.length,
		next_cursor: null,
		files,
		...fields,
	};
}

export const card = (id = 'card') => ({ id, repo_id: 'repo', number: 1 }) as CardSummary;

/** A comment on line 11 of `x.ts`, sent with the second round. */
export const aComment = (fields: Partial<ReviewComment> = {}): ReviewComment => ({
	number: 1,
	card_id: 'card',
	job_id: 'job',
	round: 2,
	path: 'x.ts',
	side: 'new',
	start_line: null,
	line: 11,
	body: 'Why?',
	base_sha: 'base',
	head_sha: 'head',
	author: 'person:you',
	created_at: '2026-11-01T12:00:00.000Z',
	state: 'open',
	at: { path: 'x.ts', start_line: null, line: 11 },
	reply: null,
	resolved_by: null,
	resolved_at: null,
	...fields,
});

export class MemoryStorage {
	readonly items = new Map<string, string>();
	getItem = (key: string) => this.items.get(key) ?? null;
	setItem = (key: string, value: string) => void this.items.set(key, value);
	removeItem = (key: string) => void this.items.delete(key);
}
