/**
 * Follows a log's stream: resumed when it is cut, what it skips is read by pages, what it repeats is
 * passed on all the same.
 */

import type { LogSource } from './log-source.ts';
import type { Entry } from './types.ts';

const CATCH_UP_PAGE = 2000;
const FIRST_PAUSE_MS = 500;
/** Short: the server is near, and a person may be looking. */
const LONGEST_PAUSE_MS = 3000;

export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

export interface Follower {
	/** The number of the newest entry that was taken. */
	readonly last: number;
	/** Called with one entry after the other, in order. */
	take(entry: Entry): void;
	/** The stream was cut and is being resumed, or came back. */
	cut(isCut: boolean): void;
}

/** Until the stream's end (true) or the signal (false). Throws what the server refuses for good. */
export async function follow(
	source: LogSource,
	jobId: string,
	follower: Follower,
	signal: AbortSignal,
	pause: Pause,
): Promise<boolean> {
	let wait = FIRST_PAUSE_MS;
	while (!signal.aborted) {
		try {
			for await (const entry of source.follow(jobId, follower.last, signal)) {
				if (signal.aborted) return false;
				follower.cut(false);
				wait = FIRST_PAUSE_MS;
				if (entry.seq > follower.last + 1) {
					await fill(source, jobId, follower, entry.seq, signal);
				}
				if (!signal.aborted) follower.take(entry);
			}
			return !signal.aborted;
		} catch (error) {
			if (signal.aborted) return false;
			if (refused(error)) throw error;
			follower.cut(true);
			await pause(wait, signal);
			wait = Math.min(wait * 2, LONGEST_PAUSE_MS);
		}
	}
	return false;
}

/** Read what the stream skipped, up to but without `until`. */
async function fill(
	source: LogSource,
	jobId: string,
	follower: Follower,
	until: number,
	signal: AbortSignal,
): Promise<void> {
	while (follower.last + 1 < until) {
		const before = follower.last;
		const limit = Math.min(until - before - 1, CATCH_UP_PAGE);
		const page = await source.after(jobId, before, limit, signal);
		for (const entry of page.items) {
			if (signal.aborted) return;
			follower.take(entry);
		}
		if (follower.last === before) return;
	}
}

/** The server answered, and asking again will not change the answer. */
function refused(error: unknown): boolean {
	const status = (error as { status?: unknown } | null)?.status;
	return typeof status === 'number' && status >= 400 && status < 500 && status !== 429;
}

export const sleep: Pause = (ms, signal) =>
	new Promise((resolve) => {
		const timer = setTimeout(resolve, ms);
		signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
	});
