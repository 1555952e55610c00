/** Where a job's log comes from: pages by cursor, and the live stream of what follows. */

import { get, post, send } from '#lib/api/http.ts';
import { serverEvents } from './sse.ts';
import type { Entry, Job, LogPage, SentEntry } from './types.ts';

export interface LogSource {
	/** The entries after `after`, oldest first. */
	after(jobId: string, after: number, limit: number, signal: AbortSignal): Promise<LogPage>;
	/** The page that ends just before `before`, oldest first. */
	before(jobId: string, before: number, limit: number, signal: AbortSignal): Promise<LogPage>;
	/** Entries after `after` as they are written; returns when the job is closed, throws when cut. */
	follow(jobId: string, after: number, signal: AbortSignal): AsyncIterable<Entry>;
}

/** The stream's end without the server's word that the job is closed. */
export class StreamCut extends Error {
	constructor() {
		super('The log stream was cut.');
		this.name = 'StreamCut';
	}
}

/** A stream says something every 15 s (`KEEP_ALIVE_S`); one that missed two of these leads nowhere. */
export const SILENCE_MS = 35_000;

/** Aborts its signal when nothing is heard for so long. */
class Silence {
	readonly #abort = new AbortController();
	#timer: ReturnType<typeof setTimeout> | undefined;

	constructor(private readonly ms: number) {
		this.broken();
	}
	get signal(): AbortSignal {
		return this.#abort.signal;
	}
	/** Something was heard. */
	broken(): void {
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => this.#abort.abort(new StreamCut()), this.ms);
	}
	end(): void {
		clearTimeout(this.#timer);
	}
}

const path = (jobId: string) => `/api/jobs/${jobId}/logs`;

const SILENT = {
	attempt: 1,
	text: '',
	name: null,
	call_id: null,
	input: null,
	is_error: false,
	detail: null,
	usage: null,
	raw: null,
};
/** Of the agent's own line only that is kept which is shown: where LazyAF does not know what it says. */
export const whole = (sent: SentEntry): Entry => {
	const entry = { ...SILENT, ...sent };
	return entry.kind === 'raw' ? entry : { ...entry, raw: null };
};

async function page(jobId: string, query: Record<string, number>, signal: AbortSignal) {
	const answer = await get<LogPage>(path(jobId), query, signal);
	return { ...answer, items: answer.items.map(whole) };
}

export const httpLogSource: LogSource = {
	after: (jobId, after, limit, signal) => page(jobId, { after, limit }, signal),
	before: (jobId, before, limit, signal) => page(jobId, { before, limit }, signal),
	async *follow(jobId, after, signal) {
		const silence = new Silence(SILENCE_MS);
		try {
			const response = await send('GET', path(jobId), {
				query: { after },
				accept: 'text/event-stream',
				signal: AbortSignal.any([signal, silence.signal]),
			});
			if (!response.body) throw new StreamCut();
			for await (const event of serverEvents(response.body, () => silence.broken())) {
				if (event.event === 'end') return;
				if (event.event === 'message') yield whole(JSON.parse(event.data) as SentEntry);
			}
		} finally {
			silence.end();
		}
		throw new StreamCut();
	},
};

export const listJobs = async (cardId: string): Promise<Job[]> =>
	(await get<{ items: Job[] }>(`/api/cards/${cardId}/jobs`)).items;

export const getJob = (jobId: string) => get<Job>(`/api/jobs/${jobId}`);

export const sayToAgent = (jobId: string, text: string) =>
	post<unknown>(`/api/jobs/${jobId}/message`, { text });

export const interruptAgent = (jobId: string) => post<unknown>(`/api/jobs/${jobId}/interrupt`);

/** The agent's own lines, as a file. */
export async function downloadRawLog(job: Job): Promise<Blob> {
	const response = await send('GET', path(job.id), {
		query: { format: 'raw' },
		accept: 'text/plain',
	});
	return response.blob();
}
