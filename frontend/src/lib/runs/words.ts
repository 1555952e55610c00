/** What a job's facts are called: one place for every sentence about them. Pure. */

import type { Job, StopReason, Usage } from './types.ts';

const PHASES: Record<string, string> = {
	queued: 'Waiting for a runner',
	fetching: 'Fetching the repository',
	setup: 'Setting up',
	working: 'Working',
	checking: 'Checking',
	pushing: 'Pushing the branch',
};

export const phaseName = (phase: string | null): string =>
	phase === null ? 'Working' : (PHASES[phase] ?? phase);

const STOPS: Record<StopReason, string> = {
	finished: 'Finished',
	no_changes: 'Finished without changing anything',
	agent_failed: 'The agent failed',
	setup_failed: 'The setup failed',
	push_rejected: 'The push was rejected',
	timed_out: 'The time limit was reached',
	stalled: 'The agent went silent',
	cancelled: 'Stopped by you',
	runner_lost: 'The runner was lost',
	out_of_memory: 'Out of memory',
	budget_exceeded: 'The budget was used up',
	checks_failed: 'Not every check passed',
};

export function stopName(job: Job): string {
	if (job.kind === 'check' && job.stop_reason === 'finished') return 'Every check passed';
	if (job.stop_reason) return STOPS[job.stop_reason];
	return {
		queued: 'Queued',
		running: 'Running',
		completed: 'Finished',
		failed: 'Failed',
		cancelled: 'Stopped',
	}[job.status];
}

/** `840 ms`, `4.1 s`, `2:39`: how long something took. */
export function took(ms: number): string {
	if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
	if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
	const seconds = Math.round(ms / 1000);
	const minutes = Math.floor(seconds / 60) % 60;
	const hours = Math.floor(seconds / 3600);
	const pad = (n: number) => String(n).padStart(2, '0');
	return hours
		? `${hours}:${pad(minutes)}:${pad(seconds % 60)}`
		: `${minutes}:${pad(seconds % 60)}`;
}

export function between(start: string | null, end: string | null): number | null {
	if (!start || !end) return null;
	const ms = new Date(end).getTime() - new Date(start).getTime();
	return Number.isFinite(ms) && ms >= 0 ? ms : null;
}

/** `12.4k`, `1.2M`. */
export function compact(n: number): string {
	if (n < 1000) return String(n);
	if (n < 1_000_000) return `${(n / 1000).toFixed(n < 10_000 ? 1 : 0)}k`;
	return `${(n / 1_000_000).toFixed(1)}M`;
}

export const count = (n: number, noun: string): string =>
	`${n.toLocaleString('en')} ${noun}${n === 1 ? '' : 's'}`;

/** Tokens as one short phrase, or null when none were counted. */
export function tokens(usage: Usage): string | null {
	const read = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens;
	if (read + usage.output_tokens === 0) return null;
	return `${compact(read)} tokens in, ${compact(usage.output_tokens)} out`;
}

const LINE = 500;

/** A text's first line, cut when it is very long, and what follows it. */
export function firstLine(text: string): { line: string; rest: string } {
	const clean = text.trim();
	const end = clean.indexOf('\n');
	const line = end < 0 ? clean : clean.slice(0, end);
	const rest = end < 0 ? '' : clean.slice(end + 1).trimEnd();
	return line.length > LINE ? { line: `${line.slice(0, LINE)}…`, rest: clean } : { line, rest };
}
