/**
 * Searches the rounds of a card that are unfolded. At once in what their logs hold, and, when asked,
 * page by page in everything: of the pages only the numbers of the entries found are kept.
 */

import { sentence } from '#lib/api/http.ts';
import { entriesOf, entryText } from './rows.ts';
import type { RunLog } from './run-log.svelte.ts';
import type { Timeline } from './timeline.svelte.ts';
import type { Entry, Job } from './types.ts';

export interface Hit {
	jobId: string;
	/** The number of the entry; 0 is what a person said when the round began. */
	seq: number;
}

/** What a scan of a whole log has found: numbers in order, up to the newest there was. */
interface Found {
	upTo: number;
	seqs: readonly number[];
}

const NONE: ReadonlyMap<string, Found> = new Map();

export class LogSearch {
	query = $state('');
	current = $state.raw<Hit | null>(null);
	/** How much of the logs a scan has been through, 0 to 1; null when none runs. */
	progress = $state<number | null>(null);
	failure = $state<string | null>(null);
	#found = $state.raw(NONE);
	#abort: AbortController | null = null;
	/** Whether an entry matches: rows are published again and again. */
	#known = new WeakMap<Entry, boolean>();

	readonly needle = $derived(this.query.trim().toLowerCase());
	/** Oldest first. */
	readonly hits: readonly Hit[] = $derived.by(() => {
		if (this.needle === '') return [];
		return this.timeline.jobs
			.filter((job) => this.timeline.isUnfolded(job))
			.flatMap((job) => this.#hitsOf(job));
	});
	/** Where `current` is among the hits; −1 when there is none, or it is not held any more. */
	readonly at = $derived(
		this.hits.findIndex((hit) => hit.jobId === this.current?.jobId && hit.seq === this.current.seq),
	);
	/** Some entries were neither held nor scanned. */
	readonly isPartial = $derived(this.needle !== '' && this.#logs().some((log) => this.#lacks(log)));

	constructor(readonly timeline: Timeline) {}

	/** Look for something else; a scan for the old words ends. The newest match is the current one. */
	look(query: string): void {
		this.cancel();
		this.query = query;
		this.failure = null;
		this.#found = NONE;
		this.#known = new WeakMap();
		this.current = this.hits.at(-1) ?? null; // the reader sits at the tail
	}

	/** Go to the next match (1) or the one before (−1) that is in another row. */
	step(by: 1 | -1): void {
		const hits = this.hits;
		if (hits.length === 0) return;
		const begun = Math.max(0, this.at);
		const row = this.current && this.timeline.indexOf(this.current);
		let at = begun;
		do at = (at + by + hits.length) % hits.length;
		while (at !== begun && row !== null && row >= 0 && this.#isIn(row, hits[at]));
		this.current = hits[at] ?? null;
	}

	/** Search everything. */
	async scan(): Promise<void> {
		this.cancel();
		const abort = (this.#abort = new AbortController());
		this.progress = 0;
		this.failure = null;
		try {
			const logs = this.#logs();
			const found = new Map<string, Found>();
			for (const [index, log] of logs.entries()) {
				const done = await this.#scanLog(log, abort.signal, (share) => {
					this.progress = (index + share) / logs.length;
				});
				if (abort.signal.aborted) return;
				found.set(log.jobId, done);
			}
			this.#found = found;
			this.current = this.hits.at(-1) ?? null;
		} catch (error) {
			if (!abort.signal.aborted) this.failure = sentence(error);
		} finally {
			if (this.#abort === abort) this.cancel();
		}
	}

	cancel(): void {
		this.#abort?.abort();
		this.#abort = null;
		this.progress = null;
	}

	async #scanLog(log: RunLog, signal: AbortSignal, tell: (share: number) => void): Promise<Found> {
		const seqs: number[] = [];
		let upTo = 0;
		for await (const page of log.pages(signal)) {
			if (signal.aborted) break;
			upTo = Math.max(upTo, page.items.at(-1)?.seq ?? 0);
			for (const entry of page.items.toReversed()) if (this.#matches(entry)) seqs.push(entry.seq);
			tell(upTo === 0 ? 1 : 1 - (page.items[0]?.seq ?? 0) / upTo);
		}
		return { upTo, seqs: seqs.toReversed() };
	}

	#logs(): RunLog[] {
		return this.timeline.jobs
			.filter((job) => this.timeline.isUnfolded(job))
			.map((job) => this.timeline.logOf(job))
			.filter((log) => log !== null);
	}

	#lacks(log: RunLog): boolean {
		const found = this.#found.get(log.jobId);
		if (!found) return log.hasEarlier || log.hasLater;
		return log.firstSeq > found.upTo + 1;
	}

	#hitsOf(job: Job): Hit[] {
		const { message, comments } = job.request;
		const asked = [message, ...comments.map((comment) => comment.body)].join('\n');
		const found = this.#found.get(job.id);
		const held = (this.timeline.logOf(job)?.rows ?? [])
			.flatMap(entriesOf)
			.filter((entry) => entry.seq > (found?.upTo ?? 0) && this.#matches(entry))
			.map((entry) => entry.seq)
			.toSorted((one, other) => one - other);
		const seqs = [...(found?.seqs ?? []), ...held];
		if (asked.toLowerCase().includes(this.needle)) seqs.unshift(0);
		return seqs.map((seq) => ({ jobId: job.id, seq }));
	}

	#isIn(row: number, hit: Hit | undefined): boolean {
		return hit !== undefined && this.timeline.isAt(row, hit);
	}

	#matches(entry: Entry): boolean {
		let matches = this.#known.get(entry);
		if (matches === undefined) {
			matches = entryText(entry).toLowerCase().includes(this.needle);
			this.#known.set(entry, matches);
		}
		return matches;
	}
}
