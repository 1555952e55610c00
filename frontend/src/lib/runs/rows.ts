/**
 * Turns log entries into the rows of a conversation: a tool's call and its result are one row, a
 * script's output lines are blocks, everything else is a row of its own. Work is proportional to
 * the entries that come in, never to those already there.
 */
import type { Entry, EntryKind, Usage } from './types.ts';

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
	/** Null while the page with the call is not loaded. */
	call: Entry | null;
	/** Null while the tool runs. */
	result: Entry | null;
}
export interface OutputRow {
	kind: 'output';
	key: string;
	entries: readonly Entry[];
	lines: number;
}
export interface AttemptRow {
	kind: 'attempt';
	key: string;
	attempt: number;
}
export type Row = EntryRow | ToolRow | OutputRow | AttemptRow;

export interface RunStats {
	steps: number;
	additions: number;
	deletions: number;
	files: ReadonlySet<string>;
}

/** Lines in one block of output: a row must stay cheap to lay out. */
export const BLOCK_LINES = 100;

/** Kinds that come before the agent's own. */
const BEFORE_WORK: ReadonlySet<EntryKind> = new Set(['phase', 'user', 'system', 'git', 'usage']);

export class LogRows {
	readonly rows: Row[] = [];
	/** The newest usage that the log tells; it is no row. */
	usage: Usage | null = null;

	/** `prefix` sets the keys of one job's rows apart from another's. */
	constructor(readonly prefix = '') {}

	readonly #files = new Set<string>();
	#steps = 0;
	#additions = 0;
	#deletions = 0;

	/** Calls without a result: their row is at `rows[position + #shift]`. */
	readonly #calls = new Map<string, number>();
	readonly #orphans = new Map<string, ToolRow>();
	#shift = 0;
	#firstAttempt: number | null = null;
	#lastAttempt: number | null = null;
	#lastUsageSeq = 0;
	/** The agent has done something in this attempt. */
	#begun: boolean | null = null;

	get stats(): RunStats {
		return {
			steps: this.#steps,
			additions: this.#additions,
			deletions: this.#deletions,
			files: this.#files,
		};
	}

	append(entries: readonly Entry[]): void {
		for (const entry of entries) {
			this.#begun ??= entry.seq > 1; // in the middle of a log nobody knows
			if (this.#lastAttempt !== null && entry.attempt !== this.#lastAttempt) {
				this.#begun = false;
				this.rows.push(this.#attempt(`a${entry.seq}`, entry.attempt));
			}
			this.#firstAttempt ??= entry.attempt;
			this.#lastAttempt = entry.attempt;
			this.#add(entry);
		}
	}

	/** Put the page that ends just before the oldest row in front of it. */
	prepend(entries: readonly Entry[]): void {
		const page = new LogRows(this.prefix);
		page.append(entries);
		this.#adopt(page);
		const earlier = page.rows;
		if (page.#lastAttempt !== null) {
			if (this.#firstAttempt !== null && this.#firstAttempt !== page.#lastAttempt) {
				const before = entries.at(-1)?.seq ?? 0;
				earlier.push(this.#attempt(`a${before + 1}`, this.#firstAttempt));
			}
			this.#firstAttempt = page.#firstAttempt;
			this.#lastAttempt ??= page.#lastAttempt;
		}
		this.rows.unshift(...earlier);
		this.#shift += earlier.length;
		for (const [id, position] of page.#calls) this.#calls.set(id, position - this.#shift);
		for (const [id, row] of page.#orphans) this.#orphans.set(id, row);
	}

	/** Give the page's open calls their results, which were loaded before them, and sum up. */
	#adopt(page: LogRows): void {
		for (const [id, position] of page.#calls) {
			const orphan = this.#orphans.get(id);
			const row = page.rows[position];
			if (!orphan || row?.kind !== 'tool') continue;
			page.rows[position] = { ...row, result: orphan.result };
			page.#calls.delete(id);
			this.#orphans.delete(id);
			const at = this.rows.indexOf(orphan);
			this.rows.splice(at, 1);
			for (const [other, its] of this.#calls) {
				if (its + this.#shift > at) this.#calls.set(other, its - 1);
			}
		}
		this.#steps += page.#steps;
		this.#additions += page.#additions;
		this.#deletions += page.#deletions;
		for (const file of page.#files) this.#files.add(file);
		if (page.#lastUsageSeq > this.#lastUsageSeq) {
			this.usage = page.usage;
			this.#lastUsageSeq = page.#lastUsageSeq;
		}
	}

	#add(entry: Entry): void {
		if (!BEFORE_WORK.has(entry.kind)) this.#begun = true;
		switch (entry.kind) {
			case 'tool_call':
				this.#steps += 1;
				if (entry.call_id !== null) this.#calls.set(entry.call_id, this.rows.length - this.#shift);
				this.rows.push({ kind: 'tool', key: this.prefix + entry.seq, call: entry, result: null });
				return;
			case 'tool_result':
				this.#result(entry);
				return;
			case 'stdout':
			case 'stderr':
				this.#output(entry);
				return;
			case 'usage':
				this.usage = entry.usage;
				this.#lastUsageSeq = entry.seq;
				return;
			case 'user':
				this.rows.push({ ...this.#row(entry.kind, entry), prompt: !this.#begun });
				return;
			default:
				this.rows.push(this.#row(entry.kind, entry));
		}
	}

	#attempt(key: string, attempt: number): AttemptRow {
		return { kind: 'attempt', key: this.prefix + key, attempt };
	}

	#row(kind: EntryRow['kind'], entry: Entry): EntryRow {
		return { kind, key: this.prefix + entry.seq, entry };
	}

	#result(entry: Entry): void {
		const { additions = 0, deletions = 0, patch } = entry.detail ?? {};
		this.#additions += additions;
		this.#deletions += deletions;
		const position = entry.call_id === null ? undefined : this.#calls.get(entry.call_id);
		const index = position === undefined ? -1 : position + this.#shift;
		const row = this.rows[index];
		if (entry.call_id !== null && row?.kind === 'tool') {
			this.rows[index] = { ...row, result: entry };
			this.#calls.delete(entry.call_id);
			const path = toolPath(row.call);
			if (path && (patch !== undefined || additions + deletions > 0)) this.#files.add(path);
			return;
		}
		const orphan: ToolRow = {
			kind: 'tool',
			key: this.prefix + entry.seq,
			call: null,
			result: entry,
		};
		if (entry.call_id !== null) this.#orphans.set(entry.call_id, orphan);
		this.rows.push(orphan);
	}

	#output(entry: Entry): void {
		const lines = countLines(entry.text);
		const last = this.rows.at(-1);
		if (last?.kind === 'output' && last.lines + lines <= BLOCK_LINES) {
			// A block is at most BLOCK_LINES long, so copying it is bounded work.
			this.rows[this.rows.length - 1] = {
				...last,
				entries: [...last.entries, entry],
				lines: last.lines + lines,
			};
		} else {
			this.rows.push({ kind: 'output', key: this.prefix + entry.seq, entries: [entry], lines });
		}
	}
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

/** What a search looks through. */
export function rowText(row: Row): string {
	switch (row.kind) {
		case 'attempt':
			return `attempt ${row.attempt}`;
		case 'tool':
			return [row.call?.name, row.call?.text, row.result?.text].filter(Boolean).join('\n');
		case 'output':
			return row.entries.map((entry) => entry.text).join('\n');
		default:
			return [entryName(row.entry), row.entry.text, row.entry.detail?.subject]
				.filter(Boolean)
				.join('\n');
	}
}

const entryName = (entry: Entry): string => entry.name ?? '';
