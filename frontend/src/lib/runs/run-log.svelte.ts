/**
 * One job's log as a window: opens at the tail, follows the live stream, reads earlier and later
 * pages on demand, and lets go at the far end of what is more than its bound. Every entry appears
 * once, in order, whatever the network does: numbers are without gaps, so an entry that is too new
 * means a hole to fill and an old one is dropped.
 */

import { tick } from 'svelte';
import { sentence } from '#lib/api/http.ts';
import { follow, sleep, type Follower, type Pause } from './follow.ts';
import { httpLogSource, type LogSource } from './log-source.ts';
import { BOUNDS, LogRows, type Bounds } from './log-rows.ts';
import type { Row } from './rows.ts';
import { Tally, type RunStats } from './tally.ts';
import type { Entry, LogPage, Usage } from './types.ts';

export const TAIL_PAGE = 500;
export const PAGE = 1000;
/** A scan keeps nothing, so its pages are as large as the server gives them. */
const SCAN_PAGE = 2000;
/** A full window with fewer rows may fit on a screen: its ends would push each other out. */
const FEW_ROWS = 100;

export interface RunLogOptions {
	source?: LogSource;
	bounds?: Bounds;
	/** Waits between attempts to reconnect. */
	pause?: Pause;
	/** Calls back soon: many entries that arrive together become one update of the page. */
	schedule?: (publish: () => void) => void;
	/** Called once, when the server has said that nothing will follow. */
	onclosed?: () => void;
}

export class RunLog {
	rows = $state.raw<readonly Row[]>([]);
	/** True while an update that put rows in front of the others, or took some there, is being drawn. */
	shifted = $state(false);
	loading = $state(false);
	loadingEarlier = $state(false);
	loadingLater = $state(false);
	/** The stream was cut and is being resumed. */
	reconnecting = $state(false);
	failure = $state<string | null>(null);
	isFinal = $state(false);
	usage = $state.raw<Usage | null>(null);
	stats = $state.raw<RunStats>(new Tally().stats);
	/** Every entry up to the newest was seen at some time: `stats` are the run's. */
	complete = $state(false);
	/** Numbers of the oldest and newest entry held; 0 before anything was read. */
	firstSeq = $state(0);
	lastSeq = $state(0);
	/** There is more after the newest entry that is held, and the stream is not followed. */
	hasLater = $state(false);
	/** The reader follows the end: when too much is held, the oldest go. Otherwise following ends. */
	atEnd = true;

	readonly #rows: LogRows;
	readonly #tally = new Tally();
	readonly #source: LogSource;
	readonly #pause: Pause;
	readonly #schedule: (publish: () => void) => void;
	readonly #onclosed: () => void;
	readonly #abort = new AbortController();
	/** Ends the stream that is followed. */
	#stream: AbortController | null = null;
	#opening: Promise<void> = Promise.resolve();
	#again: () => Promise<void> = async () => undefined;
	#scheduled = false;
	/** Rows have gone in front since the page was drawn. */
	#cut = false;
	/** What `firstSeq` will be; 1 also when the server has nothing before the oldest entry. */
	#first = 0;
	/** The greatest number that is known to exist. */
	#end = 0;
	/** The job is over, and `#end` is its last entry. */
	#over = false;
	#started = false;
	/** Counts where the reader went, since pages may come after they went on. */
	#moves = 0;

	constructor(
		readonly jobId: string,
		options: RunLogOptions = {},
	) {
		this.#rows = new LogRows(`${jobId}/`, options.bounds ?? BOUNDS);
		this.#source = options.source ?? httpLogSource;
		this.#pause = options.pause ?? sleep;
		this.#schedule = options.schedule ?? ((publish) => void setTimeout(publish, 16));
		this.#onclosed = options.onclosed ?? (() => undefined);
	}

	get hasEarlier(): boolean {
		return this.firstSeq > 1;
	}

	/** Entries held. */
	get held(): number {
		return this.#rows.held;
	}

	/** So few large entries fill the window that a person must ask for each page. */
	get isCramped(): boolean {
		return this.rows.length < FEW_ROWS && this.hasEarlier && this.hasLater;
	}

	/** Read the tail, of which `knownSeq` is a recent number, and follow until the job is closed. */
	async open(knownSeq: number): Promise<void> {
		if (this.#started) return;
		this.#started = true;
		this.loading = true;
		await this.#try(async () => {
			// After a failure the stream goes on from what is read already.
			if (this.#rows.last === 0) await (this.#opening = this.#readTail(knownSeq));
			this.loading = false;
			await this.#follow();
		});
		this.loading = false;
	}

	/** Read the page before the oldest entry. */
	async loadEarlier(): Promise<void> {
		const first = this.#first;
		if (this.loadingEarlier || first <= 1) return;
		this.loadingEarlier = true;
		await this.#try(async () => {
			const page = await this.#before(first, PAGE);
			this.#publish(this.#cut); // what came meanwhile is drawn apart from what comes in front
			await tick();
			if (this.#first !== first) return; // the window has moved meanwhile
			this.#prepend(page.items);
			this.#publish(true);
			if (!this.#rows.overfull) return;
			this.#leaveEnd();
			await tick(); // the list must see rows come in front before others go at the end
			this.#dropNewest();
			this.#publish();
		});
		this.loadingEarlier = false;
	}

	/** Read the page after the newest entry, and follow again when that was the last. */
	async loadLater(): Promise<void> {
		const last = this.#rows.last;
		if (this.loadingLater || !this.hasLater) return;
		this.loadingLater = true;
		await this.#try(async () => {
			const page = await this.#after(last, PAGE);
			if (this.#rows.last !== last) return;
			this.#append(page.items);
			this.#publish();
			await tick();
			if (this.#dropOldest()) this.#publish(true);
			this.#reach(page);
		});
		this.loadingLater = false;
	}

	/** Leave what is held for the tail as it is now, and follow it. */
	async toLatest(): Promise<void> {
		if (!this.hasLater) return;
		this.#moves += 1;
		await this.#try(async () => {
			await this.#readTail(this.#end);
			void this.#try(() => this.#follow());
		});
	}

	/** Hold the entry with this number, and what stands around it. */
	async show(seq: number): Promise<void> {
		// The tail that is being read would take the place of what is shown.
		await this.#opening.catch(() => undefined);
		if (this.#first <= seq && seq <= this.#rows.last) return;
		const move = ++this.#moves;
		await this.#try(async () => {
			const page = await this.#after(seq - 1, TAIL_PAGE);
			const earlier = await this.#before(seq, TAIL_PAGE);
			if (move !== this.#moves) return; // the reader went elsewhere meanwhile
			this.#replace([...earlier.items, ...page.items]);
			this.#reach(page);
		});
	}

	/** All pages of the log as it is now, the newest first. Nothing of them is held. */
	async *pages(signal: AbortSignal): AsyncGenerator<LogPage> {
		let before = this.#end + 1;
		do {
			const page = await this.#source.before(this.jobId, before, SCAN_PAGE, signal);
			this.#see(page.items);
			before = page.items[0]?.seq ?? 1;
			yield page;
		} while (before > 1);
		this.#publish();
	}

	/** Try again what failed. */
	retry(): Promise<void> {
		return this.#again();
	}

	/** Hold nothing until it is opened again. */
	rest(): void {
		this.#replace([]);
		this.hasLater = false;
		this.#started = false;
	}

	dispose(): void {
		this.#abort.abort();
		this.#stream?.abort();
	}

	/** Do it; what goes wrong becomes `failure`, and can be tried again. */
	async #try(what: () => Promise<void>): Promise<void> {
		this.failure = null;
		try {
			await what();
		} catch (error) {
			if (this.#abort.signal.aborted) return;
			this.failure = sentence(error);
			this.#again = () => this.#try(what);
		}
	}

	#before(before: number, limit: number): Promise<LogPage> {
		return this.#source.before(this.jobId, before, limit, this.#abort.signal);
	}

	#after(after: number, limit: number): Promise<LogPage> {
		return this.#source.after(this.jobId, after, limit, this.#abort.signal);
	}

	/** Hold the tail alone. What is written after it comes by the stream. */
	async #readTail(knownSeq: number): Promise<void> {
		let page = await this.#before(knownSeq + 1, TAIL_PAGE);
		if (page.last_seq > knownSeq) page = await this.#before(page.last_seq + 1, TAIL_PAGE);
		this.#replace(page.items);
		this.hasLater = false;
		this.#over = page.is_final && page.last_seq <= this.#rows.last;
	}

	/** Follow, if `page` has brought the window to the end. */
	#reach(page: LogPage): void {
		this.#end = Math.max(this.#end, page.last_seq);
		this.hasLater = page.last_seq > this.#rows.last;
		this.#over = page.is_final;
		if (!this.hasLater) void this.#try(() => this.#follow());
	}

	/** What the stream brings would leave a hole behind what is held. */
	#leaveEnd(): void {
		this.#stream?.abort();
		this.#stream = null;
		this.reconnecting = false;
		this.hasLater = true;
	}

	async #follow(): Promise<void> {
		if (this.#over) return this.#close();
		if (this.#stream) return;
		const stream = (this.#stream = new AbortController());
		const signal = AbortSignal.any([stream.signal, this.#abort.signal]);
		try {
			const follower = this.#follower();
			const ended = await follow(this.#source, this.jobId, follower, signal, this.#pause);
			if (ended) this.#close();
		} finally {
			if (this.#stream === stream) this.#stream = null;
		}
	}

	#follower(): Follower {
		const rows = this.#rows;
		return {
			get last() {
				return rows.last;
			},
			take: (entry) => {
				this.#append([entry]);
				if (this.atEnd) this.#cut = this.#dropOldest() || this.#cut;
				else if (rows.overfull) this.#dropNewest();
				this.#publishSoon();
			},
			cut: (isCut) => (this.reconnecting = isCut),
		};
	}

	#append(entries: readonly Entry[]): void {
		const fresh = entries.filter((entry) => entry.seq > this.#rows.last);
		if (fresh.length === 0) return;
		this.#see(fresh);
		this.#rows.append(fresh);
		this.#first ||= this.#rows.first;
	}

	#prepend(entries: readonly Entry[]): void {
		const fresh = entries.filter((entry) => entry.seq < this.#first);
		if (fresh.length === 0) {
			this.#tally.note(1, this.#first - 1); // the server has nothing before it
			this.#first = 1;
			return;
		}
		this.#see(fresh);
		this.#rows.prepend(fresh);
		this.#first = this.#rows.first;
	}

	/** Hold these instead of all that is held. */
	#replace(entries: readonly Entry[]): void {
		this.#leaveEnd();
		this.#rows.clear();
		this.#first = 0;
		this.#append(entries);
		this.#publish();
	}

	#dropOldest(): boolean {
		if (!this.#rows.overfull) return false;
		while (this.#rows.overfull) this.#rows.dropFirst();
		this.#first = this.#rows.first;
		return true;
	}

	#dropNewest(): void {
		this.#leaveEnd();
		while (this.#rows.overfull) this.#rows.dropLast();
	}

	#see(entries: readonly Entry[]): void {
		this.#tally.see(entries);
		this.#end = Math.max(this.#end, entries.at(-1)?.seq ?? 0);
	}

	#close(): void {
		this.reconnecting = false;
		this.#publish();
		if (this.isFinal) return;
		this.isFinal = true;
		this.#onclosed();
	}

	#publishSoon(): void {
		if (this.#scheduled) return;
		this.#scheduled = true;
		this.#schedule(() => {
			this.#scheduled = false;
			if (!this.#abort.signal.aborted) this.#publish(this.#cut);
		});
	}

	#publish(shifted = false): void {
		this.#cut = false;
		this.shifted = shifted;
		if (shifted) void tick().then(() => (this.shifted = false));
		this.rows = this.#rows.rows;
		this.usage = this.#tally.usage;
		this.stats = this.#tally.stats;
		this.complete = this.#tally.covers(1, this.#end);
		this.firstSeq = this.#first;
		this.lastSeq = this.#rows.last;
	}
}
