/** A card's changes as the server tells them. Hand-written until the OpenAPI schema names them. */

/** `\` is git's note that the line before has no newline. */
export type Origin = ' ' | '+' | '-' | '\\';

export interface Hunk {
	header: string;
	old_start: number;
	old_lines: number;
	new_start: number;
	new_lines: number;
	lines: [Origin, string][];
}

export type FileStatus = 'added' | 'modified' | 'deleted' | 'renamed' | 'copied' | 'type_changed';

export interface FileDiff {
	path: string;
	old_path: string | null;
	status: FileStatus;
	additions: number;
	deletions: number;
	binary: boolean;
	old_mode: string | null;
	new_mode: string | null;
	/** There are changes, but their hunks were left out: load the file alone. */
	too_large: boolean;
	hunks: Hunk[];
}

export interface Diff {
	base_sha: string;
	head_sha: string;
	base_ref: string | null;
	head_ref: string | null;
	additions: number;
	deletions: number;
	/** Null while it is not known. */
	mergeable: boolean | null;
	conflicts: string[];
	files: FileDiff[];
}

/** A comment on a line that is not sent yet. */
export interface Draft {
	id: string;
	path: string;
	/** `old` for a removed line: `line` counts in the old file then. */
	side: 'old' | 'new';
	line: number;
	body: string;
	/** Being written; an added one is shown folded and goes with the review. */
	editing: boolean;
}
