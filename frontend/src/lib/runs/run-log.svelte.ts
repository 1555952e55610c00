/**
 * One job's log as far as this tab has read it: opens at the tail, reads earlier pages on demand,
 * follows the live stream. Every entry appears once, in order, whatever the network does: numbers
 * are without gaps, so an entry that is too new means a hole to fill and an old one is dropped.
 */

import { tick } from 'svelte';
import { sentence } from '#lib/api/http.ts';
import { httpLogSource, type LogSource } from './log-source.ts';
import { LogRows, type Row, type RunStats } from './rows.ts';
import type { Entry, LogPage, Usage } from './types.ts';

export const TAIL_PAGE = 500;
export const EARLIER_PAGE = 1000;
const CATCH_UP_PAGE = 2000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

export interface RunLogOptions {
	source?: LogSource;
	/** Waits between attempts to reconnect. */
	pause?: (ms: number, signal: AbortSignal) => Promise<void>;
	/** Calls back soon: many entries that arrive together become one update of the page. */
	schedule?: (publish: () => void) => void;
	/** Called once, when the server has said that nothing will follow. */
	onclosed?: () => void;
}

export class RunLog {
	rows = $state.raw<readonly Row[]>([]);
	/** True while an update that put rows in front of the others is being drawn. */
	prepended = $state(false);
	loading = $state(false);
	loadingEarlier = $state(false);
	/** The stream was cut and is being resumed. */
	reconnecting = $state(false);
	failure = $state<string | null>(null);
	isFinal = $state(false);
	usage = $state.raw<Usage | null>(null);
	/** Numbers of the oldest and newest entry read; 0 before anything was read. */
	firstSeq = $state(0);
	lastSeq = $state(0);

	readonly #rows: LogRows;
	readonly #source: LogSource;
	readonly #pause: (ms: number, signal: AbortSignal) => Promise<void>;
	readonly #schedule: (publish: () => void) => void;
	readonly #onclosed: () => void;
	readonly #abort = new AbortController();
	#scheduled = false;
	#first = 0;
	#last = 0;
	#started = false;

	constructor(
		readonly jobId: string,
		options: RunLogOptions = {},
	) {
		this.#rows = new LogRows(`${jobId}/`);
		this.#source = options.source ?? httpLogSource;
		this.#pause = options.pause ?? pause;
		this.#schedule = options.schedule ?? ((publish) => void setTimeout(publish, 16));
		this.#onclosed = options.onclosed ?? (() => undefined);
	}

	get hasEarlier(): boolean {
		return this.firstSeq > 1;
	}

	get stats(): RunStats {
		return this.#rows.stats;
	}

	/** Read the tail, of which `knownSeq` is a recent number, and follow until the job is closed. */
	async open(knownSeq: number): Promise<void> {
		if (this.#started) return;
		this.#started = true;
		this.loading = true;
		this.failure = null;
		try {
			// After a failure the stream goes on from what is read already.
			const closed = this.#last === 0 && (await this.#readTail(knownSeq));
			this.loading = false;
			if (closed) this.#close();
			else await this.#follow();
		} catch (error) {
			if (this.#abort.signal.aborted) return;
			this.#started = false;
			this.failure = sentence(error);
		} finally {
			this.loading = false;
		}
	}

	/** Whether nothing can follow what was read. */
	async #readTail(knownSeq: number): Promise<boolean> {
		let page = await this.#tail(knownSeq);
		if (page.last_seq > knownSeq) page = await this.#tail(page.last_seq);
		this.#append(page.items);
		this.#publish();
		return page.is_final && page.last_seq <= this.#last;
	}

	#tail(last: number): Promise<LogPage> {
		return this.#source.before(this.jobId, last + 1, TAIL_PAGE, this.#abort.signal);
	}

	/** Read the page before the oldest entry. */
	async loadEarlier(limit = EARLIER_PAGE): Promise<void> {
		if (this.loadingEarlier || this.#first <= 1) return;
		this.loadingEarlier = true;
		try {
			const page = await this.#source.before(this.jobId, this.#first, limit, this.#abort.signal);
			this.#prepend(page.items);
			this.failure = null;
		} catch (error) {
			if (!this.#abort.signal.aborted) this.failure = sentence(error);
		} finally {
			this.loadingEarlier = false;
		}
	}

	/** Read everything, for a search that must not miss anything. */
	async loadAll(): Promise<void> {
		while (this.#first > 1 && !this.#abort.signal.aborted) {
			const before = this.#first;
			await this.loadEarlier(CATCH_UP_PAGE);
			if (this.#first === before) return;
		}
	}

	/** Try again what failed. */
	async retry(): Promise<void> {
		this.failure = null;
		if (this.#started) await this.loadEarlier();
		else await this.open(this.#last);
	}

	dispose(): void {
		this.#abort.abort();
	}

	async #follow(): Promise<void> {
		const signal = this.#abort.signal;
		let wait = FIRST_PAUSE_MS;
		while (!signal.aborted) {
			try {
				for await (const entry of this.#source.follow(this.jobId, this.#last, signal)) {
					this.reconnecting = false;
					wait = FIRST_PAUSE_MS;
					if (entry.seq > this.#last + 1) await this.#fill(entry.seq);
					this.#append([entry]);
					this.#publishSoon();
				}
				this.#close();
				return;
			} catch (error) {
				if (signal.aborted) return;
				if (refused(error)) throw error;
				this.reconnecting = true;
				await this.#pause(wait, signal);
				wait = Math.min(wait * 2, LONGEST_PAUSE_MS);
			}
		}
	}

	/** Read what the stream skipped, up to but without `until`. */
	async #fill(until: number): Promise<void> {
		while (this.#last + 1 < until) {
			const before = this.#last;
			const limit = Math.min(until - before - 1, CATCH_UP_PAGE);
			const page = await this.#source.after(this.jobId, before, limit, this.#abort.signal);
			this.#append(page.items);
			if (this.#last === before) return;
		}
	}

	#append(entries: readonly Entry[]): void {
		const fresh = entries.filter((entry) => entry.seq > this.#last);
		const newest = fresh.at(-1);
		if (!newest) return;
		if (this.#first === 0) this.#first = fresh[0]?.seq ?? 0;
		this.#last = newest.seq;
		this.#rows.append(fresh);
	}

	#prepend(entries: readonly Entry[]): void {
		const fresh = entries.filter((entry) => entry.seq < this.#first);
		const oldest = fresh[0];
		if (!oldest) {
			this.#first = 1; // the server has nothing before it
		} else {
			this.#first = oldest.seq;
			this.#rows.prepend(fresh);
		}
		this.#publish(true);
	}

	#close(): void {
		this.reconnecting = false;
		this.isFinal = true;
		this.#publish();
		this.#onclosed();
	}

	#publishSoon(): void {
		if (this.#scheduled) return;
		this.#scheduled = true;
		this.#schedule(() => {
			this.#scheduled = false;
			if (!this.#abort.signal.aborted) this.#publish();
		});
	}

	#publish(prepended = false): void {
		this.prepended = prepended;
		if (prepended) void tick().then(() => (this.prepended = false));
		this.rows = this.#rows.rows.slice();
		this.usage = this.#rows.usage;
		this.firstSeq = this.#first;
		this.lastSeq = this.#last;
	}
}

/** The server answered, and asking again will not change the answer. */
function refused(error: unknown): boolean {
	const status = (error as { status?: unknown } | null)?.status;
	return typeof status === 'number' && status >= 400 && status < 500 && status !== 429;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		const timer = setTimeout(resolve, ms);
		signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
	});
}
