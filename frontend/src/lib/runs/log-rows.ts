/**
 * Turns log entries into the rows of a conversation: a tool's call and its result are one row, a
 * script's output lines are blocks, everything else is a row of its own. It holds a window of the
 * log, one run of entries without a hole, in segments: entries come in at either end, and whole
 * segments fall out at either end. What the rows show depends on nothing that fell out.
 *
 * Work is proportional to what comes in or falls out, but for `rows`, which lists what is held.
 */
import {
	BLOCK_LINES,
	SHOWN,
	countLines,
	sizeOf,
	type AttemptRow,
	type EntryRow,
	type OutputRow,
	type Row,
	type ToolRow,
} from './rows.ts';
import type { Entry, EntryKind } from './types.ts';

/** How much a window may hold: of entries, and of characters in them. */
export interface Bounds {
	entries: number;
	characters: number;
}
export const BOUNDS: Bounds = { entries: 10_000, characters: 16 * 2 ** 20 };
/** A window is cut into so many parts at least; the fewest are kept although they are too large. */
const PARTS = 20;
const FEWEST = 4;

/** Kinds that come before the agent's own. */
const BEFORE_WORK: ReadonlySet<EntryKind> = new Set(['phase', 'user', 'system', 'git', 'usage']);

/** Entries that follow each other, and their rows. */
class Segment {
	readonly rows: Row[] = [];
	readonly first: number;
	readonly firstAttempt: number;
	last: number;
	lastAttempt: number;
	/** The last attempt has its prompt, or the agent has done something in it. */
	begun: boolean;
	held = 0;
	characters = 0;

	constructor(entry: Entry, before: Segment | undefined) {
		this.first = this.last = entry.seq;
		this.firstAttempt = this.lastAttempt = entry.attempt;
		const follows = before?.lastAttempt === entry.attempt;
		// In the middle of a log nobody knows.
		this.begun = before ? follows && before.begun : entry.seq > 1;
	}
}

interface Place {
	segment: Segment;
	row: ToolRow;
}

export class LogRows {
	#segments: Segment[] = [];
	/** Calls without a result, and results without a call, by the call's id. */
	readonly #calls = new Map<string, Place>();
	readonly #results = new Map<string, Place>();

	/** `prefix` sets the keys of one job's rows apart from another's. */
	constructor(
		readonly prefix = '',
		readonly bounds: Bounds = BOUNDS,
	) {}

	/** Numbers of the oldest and the newest entry; 0 when there is none. */
	get first(): number {
		return this.#segments[0]?.first ?? 0;
	}
	get last(): number {
		return this.#segments.at(-1)?.last ?? 0;
	}

	/** Entries held; what makes no row is not held. */
	get held(): number {
		return this.#segments.reduce((sum, segment) => sum + segment.held, 0);
	}

	/** More is held than should be. */
	get overfull(): boolean {
		if (this.#segments.length <= FEWEST) return false;
		const characters = this.#segments.reduce((sum, segment) => sum + segment.characters, 0);
		return this.held > this.bounds.entries || characters > this.bounds.characters;
	}

	get rows(): Row[] {
		const rows: Row[] = [];
		let before: Segment | undefined;
		for (const segment of this.#segments) {
			if (before && before.lastAttempt !== segment.firstAttempt) {
				rows.push(this.#attempt(segment.first, segment.firstAttempt));
			}
			for (const row of segment.rows) rows.push(row);
			before = segment;
		}
		return rows;
	}

	/** Add the entries that follow the newest. */
	append(entries: readonly Entry[]): void {
		for (const entry of entries) this.#add(this.#segmentFor(entry), entry);
	}

	/** Add the entries that end just before the oldest. */
	prepend(entries: readonly Entry[]): void {
		const page = new LogRows(this.prefix, this.bounds);
		page.append(entries);
		for (const [id, call] of page.#calls) {
			const found = this.#results.get(id);
			if (!found) {
				this.#calls.set(id, call);
				continue;
			}
			replace(call, { ...call.row, result: found.row.result });
			found.segment.rows.splice(found.segment.rows.indexOf(found.row), 1);
			this.#results.delete(id);
		}
		for (const [id, result] of page.#results) this.#results.set(id, result);
		this.#segments = [...page.#segments, ...this.#segments];
	}

	/** Let the oldest entries go. A result that stays without its call is a row of its own. */
	dropFirst(): void {
		const gone = this.#segments.shift();
		if (!gone) return;
		this.#forget(gone);
		for (const row of gone.rows) {
			const result = row.kind === 'tool' ? row.result : null;
			if (result && result.seq > gone.last) this.#insert(result);
		}
	}

	/** Let the newest entries go. A call that stays without its result is open again. */
	dropLast(): void {
		const gone = this.#segments.pop();
		if (!gone) return;
		this.#forget(gone);
		for (const segment of this.#segments) {
			for (const row of segment.rows) {
				if (row.kind !== 'tool' || !row.result || row.result.seq < gone.first) continue;
				const place = { segment, row };
				replace(place, { ...row, result: null });
				if (row.call?.call_id) this.#calls.set(row.call.call_id, place);
			}
		}
	}

	clear(): void {
		this.#segments = [];
		this.#calls.clear();
		this.#results.clear();
	}

	#segmentFor(entry: Entry): Segment {
		const last = this.#segments.at(-1);
		const { entries, characters } = this.bounds;
		if (last && last.held < entries / PARTS && last.characters < characters / PARTS) return last;
		const made = new Segment(entry, last);
		this.#segments.push(made);
		return made;
	}

	#add(segment: Segment, entry: Entry): void {
		if (entry.attempt !== segment.lastAttempt) {
			segment.begun = false;
			segment.lastAttempt = entry.attempt;
			segment.rows.push(this.#attempt(entry.seq, entry.attempt));
		}
		segment.last = entry.seq;
		if (entry.kind === 'usage') return;
		segment.held += 1;
		segment.characters += sizeOf(entry);
		if (!BEFORE_WORK.has(entry.kind)) segment.begun = true;
		const key = this.prefix + entry.seq;
		switch (entry.kind) {
			case 'tool_call': {
				const row: ToolRow = { kind: 'tool', key, call: entry, result: null };
				if (entry.call_id !== null) this.#calls.set(entry.call_id, { segment, row });
				segment.rows.push(row);
				return;
			}
			case 'tool_result':
				this.#result(segment, entry);
				return;
			case 'stdout':
			case 'stderr':
				output(segment.rows, key, entry);
				return;
			case 'user':
				segment.rows.push({ kind: entry.kind, key, entry, prompt: !segment.begun });
				segment.begun = true; // the next word may come before the agent has said any
				return;
			default:
				segment.rows.push({ kind: entry.kind satisfies EntryRow['kind'], key, entry });
		}
	}

	#attempt(seq: number, attempt: number): AttemptRow {
		return { kind: 'attempt', key: `${this.prefix}a${seq}`, attempt };
	}

	#result(segment: Segment, entry: Entry): void {
		const call = entry.call_id === null ? undefined : this.#calls.get(entry.call_id);
		if (entry.call_id !== null && call) {
			replace(call, { ...call.row, result: entry });
			this.#calls.delete(entry.call_id);
			return;
		}
		segment.rows.push(this.#lone(segment, entry));
	}

	/** A row for a result whose call is not held. */
	#lone(segment: Segment, entry: Entry): ToolRow {
		const key = this.prefix + entry.seq;
		const row: ToolRow = { kind: 'tool', key, call: null, result: entry };
		if (entry.call_id !== null) this.#results.set(entry.call_id, { segment, row });
		return row;
	}

	/** Show a result at its own place. */
	#insert(entry: Entry): void {
		const segment = this.#segments.find((each) => entry.seq <= each.last);
		if (!segment) return;
		const after = segment.rows.findIndex((row) => startOf(row, this.prefix) > entry.seq);
		const at = after < 0 ? segment.rows.length : after;
		const rest = this.#split(segment.rows, at - 1, entry.seq);
		segment.rows.splice(at, 0, this.#lone(segment, entry), ...rest);
	}

	/** Part a block of output where another entry stands in it; the later part. */
	#split(rows: Row[], at: number, seq: number): OutputRow[] {
		const row = rows[at];
		if (row?.kind !== 'output' || (row.entries.at(-1)?.seq ?? 0) < seq) return [];
		const cut = row.entries.findIndex((entry) => entry.seq > seq);
		rows[at] = block(row.key, row.entries.slice(0, cut));
		const after = row.entries.slice(cut);
		return [block(`${this.prefix}${after[0]?.seq}`, after)];
	}

	#forget(gone: Segment): void {
		for (const open of [this.#calls, this.#results]) {
			for (const [id, place] of open) if (place.segment === gone) open.delete(id);
		}
	}
}

/** Put another row where this one stands: rows that are shown are never changed. */
function replace(place: Place, row: ToolRow): void {
	// Mostly near the end.
	place.segment.rows[place.segment.rows.lastIndexOf(place.row)] = row;
	place.row = row;
}

/** The number of the entry that made the row, which its key ends with. */
const startOf = (row: Row, prefix: string): number =>
	Number(row.key.slice(prefix.length).replace(/^a/, ''));

function output(rows: Row[], key: string, entry: Entry): void {
	const last = rows.at(-1);
	const lone = block(key, [entry]);
	if (
		last?.kind === 'output' &&
		last.lines + lone.lines <= BLOCK_LINES &&
		last.characters + lone.characters <= SHOWN
	) {
		rows[rows.length - 1] = {
			...last,
			entries: [...last.entries, entry], // bounded work, as a block is
			lines: last.lines + lone.lines,
			characters: last.characters + lone.characters,
		};
	} else rows.push(lone);
}

function block(key: string, entries: readonly Entry[]): OutputRow {
	let [lines, characters] = [0, 0];
	for (const { text } of entries) {
		lines += Math.max(1, countLines(text)); // an empty line takes its place too
		characters += text.length + 1;
	}
	return { kind: 'output', key, entries, lines, characters };
}
