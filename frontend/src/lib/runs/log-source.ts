/** Where a job's log comes from: pages by cursor, and the live stream of what follows. */

import { get, post, send } from '#lib/api/http.ts';
import { serverEvents } from './sse.ts';
import type { Entry, Job, LogPage } from './types.ts';

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

const path = (jobId: string) => `/api/jobs/${jobId}/logs`;

export const httpLogSource: LogSource = {
	after: (jobId, after, limit, signal) => get<LogPage>(path(jobId), { after, limit }, signal),
	before: (jobId, before, limit, signal) => get<LogPage>(path(jobId), { before, limit }, signal),
	async *follow(jobId, after, signal) {
		const response = await send('GET', path(jobId), {
			query: { after },
			accept: 'text/event-stream',
			signal,
		});
		if (!response.body) throw new StreamCut();
		for await (const event of serverEvents(response.body)) {
			if (event.event === 'end') return;
			if (event.event === 'message') yield JSON.parse(event.data) as Entry;
		}
		throw new StreamCut();
	},
};

export const listJobs = async (cardId: string): Promise<Job[]> =>
	(await get<{ items: Job[] }>(`/api/cards/${cardId}/jobs`)).items;

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
