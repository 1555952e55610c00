/**
 * A card's runs as one list of rows: its jobs oldest to newest, each a round. The newest round is
 * open; an earlier one is a line that says what it did and is read when somebody unfolds it.
 */

import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import { sentence } from '#lib/api/http.ts';
import { httpLogSource, listJobs, type LogSource } from './log-source.ts';
import { rowText, type Row } from './rows.ts';
import { RunLog } from './run-log.svelte.ts';
import { isOpen, type Job } from './types.ts';

/** An earlier round up to this long is read for its summary; a longer one only when asked for. */
const SUMMARY_ENTRIES = 500;

export interface RoundRow {
	kind: 'round' | 'summary' | 'request' | 'waiting' | 'live' | 'end';
	key: string;
	round: number;
	job: Job;
}
export interface EarlierRow {
	kind: 'earlier' | 'problem' | 'reading';
	key: string;
	log: RunLog;
}
export type TimelineRow = Row | RoundRow | EarlierRow;

export interface TimelinePorts {
	source: LogSource;
	jobs: (cardId: string) => Promise<Job[]>;
}

export class Timeline {
	/** Oldest first. */
	jobs = $state.raw<readonly Job[]>([]);
	loaded = $state(false);
	failure = $state<string | null>(null);
	/** Keys of rows that a person has unfolded; rows come and go with scrolling, this stays. */
	readonly unfolded = new SvelteSet<string>();
	readonly #opened = new SvelteSet<string>();
	readonly #logs = new SvelteMap<string, RunLog>();
	#asked = 0;

	readonly rows: readonly TimelineRow[] = $derived.by(() => {
		let rows: TimelineRow[] = [];
		for (const [index, job] of this.jobs.entries()) rows = rows.concat(this.#round(job, index + 1));
		return rows;
	});
	readonly prepended = $derived([...this.#logs.values()].some((log) => log.prepended));

	constructor(
		readonly cardId: string,
		private readonly ports: TimelinePorts = { source: httpLogSource, jobs: listJobs },
	) {}

	get latest(): Job | null {
		return this.jobs.at(-1) ?? null;
	}

	get log(): RunLog | null {
		const job = this.latest;
		return job ? (this.#logs.get(job.id) ?? null) : null;
	}

	logOf(job: Job): RunLog | null {
		return this.#logs.get(job.id) ?? null;
	}

	isUnfolded(job: Job): boolean {
		return this.#opened.has(job.id);
	}

	/** Read the jobs again: a round began, ended or changed hands. The latest question wins. */
	async refresh(): Promise<void> {
		const asked = ++this.#asked;
		try {
			const jobs = await this.ports.jobs(this.cardId);
			if (asked !== this.#asked) return;
			this.jobs = jobs.toReversed();
			this.failure = null;
			const latest = this.latest;
			if (latest) this.unfold(latest);
			this.#summarise();
		} catch (error) {
			if (asked === this.#asked) this.failure = sentence(error);
		} finally {
			this.loaded = true;
		}
	}

	unfold(job: Job): void {
		this.#opened.add(job.id);
		this.#read(job);
	}

	fold(job: Job): void {
		this.#opened.delete(job.id);
	}

	toggle(key: string): void {
		if (!this.unfolded.delete(key)) this.unfolded.add(key);
	}

	/** Indexes of the rows that contain `query`, whatever the case. */
	search(query: string): number[] {
		const needle = query.trim().toLowerCase();
		if (needle === '') return [];
		const hits: number[] = [];
		for (const [index, row] of this.rows.entries()) {
			if (searchText(row).toLowerCase().includes(needle)) hits.push(index);
		}
		return hits;
	}

	dispose(): void {
		this.#asked += 1;
		for (const log of this.#logs.values()) log.dispose();
	}

	#summarise(): void {
		for (const job of this.jobs) {
			if (!isOpen(job) && job.log_seq > 0 && job.log_seq <= SUMMARY_ENTRIES) this.#read(job);
		}
	}

	#read(job: Job): void {
		const known = this.#logs.get(job.id);
		if (known) {
			if (known.failure) void known.open(job.log_seq);
			return;
		}
		const log = new RunLog(job.id, {
			source: this.ports.source,
			// A job that was closed when its log was opened has nothing new to say.
			onclosed: () => isOpen(job) && void this.refresh(),
		});
		this.#logs.set(job.id, log);
		void log.open(job.log_seq);
	}

	#round(job: Job, round: number): TimelineRow[] {
		const log = this.#logs.get(job.id) ?? null;
		const row = (kind: RoundRow['kind']): RoundRow => ({
			kind,
			key: `${job.id}:${kind}`,
			round,
			job,
		});
		const rows: TimelineRow[] = [row('round')];
		if (job !== this.latest && !this.#opened.has(job.id)) return [...rows, row('summary')];
		if (job !== this.latest) rows.push(row('summary'));
		if (job.request && (job.request.message || job.request.comments.length > 0)) {
			rows.push(row('request'));
		}
		if (log?.hasEarlier) rows.push({ kind: 'earlier', key: `${job.id}:earlier`, log });
		if (log?.loading) rows.push({ kind: 'reading', key: `${job.id}:reading`, log });
		const body: TimelineRow[] = log ? rows.concat(log.rows) : rows;
		if (log?.failure) body.push({ kind: 'problem', key: `${job.id}:problem`, log });
		if (job.status === 'queued') body.push(row('waiting'));
		else if (job.status === 'running') body.push(row('live'));
		else body.push(row('end'));
		return body;
	}
}

function searchText(row: TimelineRow): string {
	switch (row.kind) {
		case 'round':
		case 'summary':
		case 'waiting':
		case 'live':
		case 'end':
		case 'earlier':
		case 'reading':
		case 'problem':
			return '';
		case 'request':
			return [row.job.request?.message, ...(row.job.request?.comments ?? []).map((c) => c.body)]
				.filter(Boolean)
				.join('\n');
		default:
			return rowText(row);
	}
}
