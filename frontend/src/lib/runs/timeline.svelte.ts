/**
 * A card's runs as one list of rows: its jobs oldest to newest, each a round of the agent or a run of the
 * checks. The newest round is open; an earlier one, and each run of the checks, is a line that says what it
 * did and is read when somebody unfolds it.
 */

import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import { sentence } from '#lib/api/http.ts';
import { httpLogSource, listJobs, type LogSource } from './log-source.ts';
import { entriesOf, type Row } from './rows.ts';
import { RunLog } from './run-log.svelte.ts';
import type { Hit } from './search.svelte.ts';
import { isOpen, type Job } from './types.ts';

/** An earlier round up to this long is read for its summary; a longer one only when asked for. */
const SUMMARY_ENTRIES = 500;

export interface RoundRow {
	kind: 'round' | 'summary' | 'request' | 'waiting' | 'live' | 'end';
	key: string;
	round: number;
	job: Job;
}
export interface BeyondRow {
	kind: 'earlier' | 'later' | 'problem' | 'reading';
	key: string;
	log: RunLog;
}
export type TimelineRow = Row | RoundRow | BeyondRow;

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
		let round = 0;
		for (const job of this.jobs) {
			if (job.kind === 'agent') round += 1;
			rows = rows.concat(this.#round(job, round));
		}
		return rows;
	});
	/** Rows come in front, or go there, in the update that is being drawn. */
	readonly shifted = $derived([...this.#logs.values()].some((log) => log.shifted));

	/** `jobs` may give those of anything that has an id. */
	constructor(
		readonly cardId: string,
		private readonly ports: TimelinePorts = { source: httpLogSource, jobs: listJobs },
	) {}

	/** The last run of an agent; what follows of it are its checks. Without one the last run of all. */
	get latest(): Job | null {
		return this.jobs.findLast((job) => job.kind === 'agent') ?? this.jobs.at(-1) ?? null;
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
		if (job.log_seq > SUMMARY_ENTRIES) this.#logs.get(job.id)?.rest();
	}

	toggle(key: string): void {
		if (!this.unfolded.delete(key)) this.unfolded.add(key);
	}

	/** Have the log hold what was found. */
	async bring(hit: Hit): Promise<void> {
		if (hit.seq > 0) await this.#logs.get(hit.jobId)?.show(hit.seq);
	}

	/** The row that shows what was found; −1 when it is not held. */
	indexOf(hit: Hit): number {
		return this.rows.findIndex((row) => shows(row, hit));
	}

	/** Is this what the row with the index shows? */
	isAt(index: number, hit: Hit): boolean {
		const row = this.rows[index];
		return row !== undefined && shows(row, hit);
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
			void (known.failure ? known.retry() : known.open(job.log_seq));
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
		if (log?.hasLater) body.push({ kind: 'later', key: `${job.id}:later`, log });
		if (log?.failure) body.push({ kind: 'problem', key: `${job.id}:problem`, log });
		if (job.status === 'queued') body.push(row('waiting'));
		else if (job.status === 'running') body.push(row('live'));
		else body.push(row('end'));
		return body;
	}
}

function shows(row: TimelineRow, hit: Hit): boolean {
	if ('job' in row) return hit.seq === 0 && row.kind === 'request' && row.job.id === hit.jobId;
	if ('log' in row || !row.key.startsWith(`${hit.jobId}/`)) return false;
	return entriesOf(row).some((entry) => entry.seq === hit.seq);
}
