/** A card's changes in the server's words, and what a person says about them. */

import type { components } from '#lib/api/schema.gen.ts';

type Schemas = components['schemas'];

/** `\\` is git's note that the line before has no newline. */
export type Origin = ' ' | '+' | '-' | '\\';
export type Hunk = Omit<Schemas['DiffHunk'], 'lines'> & { lines: [Origin, string][] };
/** `too_large`: there are changes, but their hunks were left out; the file is loaded alone. */
export type FileDiff = Omit<Schemas['DiffFile'], 'hunks'> & { hunks: Hunk[] };
export type DiffSide = Schemas['DiffSide'];
export type FileStatus = FileDiff['status'];
/** `mergeable` is null while it is not known. `files` are the first pages of `total_files`. */
export type Diff = Omit<Schemas['Diff'], 'files'> & { files: FileDiff[] };

/** A comment on a line that is not sent yet. */
export interface Draft {
	id: string;
	path: string;
	/** `old` for a removed line: `line` counts in the old file then. */
	side: 'old' | 'new';
	/** The first of several lines, of which `line` is the last. */
	start_line?: number;
	line: number;
	/** The ends of the diff in which it is written; none in drafts of older versions. */
	base_sha?: string;
	head_sha?: string;
	body: string;
	/** Being written; an added one is shown folded and goes with the review. */
	editing: boolean;
}
