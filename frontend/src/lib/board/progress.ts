/** A running job in words: which of its phases it is in, and what it waits for. */

import type { CardFailure, CardLive, CardSummary, HeldBy } from '#lib/api/types.ts';
import { localTime } from '#lib/live/time.ts';

/** In the order of the phase bar; the agent's own work is the wide one. */
export const PHASES = [
	{ name: 'queued', title: 'In the queue', weight: 1 },
	{ name: 'fetching', title: 'Fetching the repository', weight: 1 },
	{ name: 'setup', title: 'Setting up', weight: 1 },
	{ name: 'working', title: 'Agent at work', weight: 5 },
	{ name: 'pushing', title: 'Saving the work', weight: 1 },
] as const;

/** Where the job is in `PHASES`; a card in progress whose job nobody took yet is in the queue. */
export function phaseIndex(card: CardSummary): number {
	const at = PHASES.findIndex((phase) => phase.name === card.live?.phase);
	return Math.max(0, at);
}

/** Does its job wait, for the first time or again? */
export function isQueued(card: CardSummary): boolean {
	return card.status === 'in_progress' && (card.live?.job_status ?? 'queued') === 'queued';
}

/** The one line under a running card's title. */
export function doing(card: CardSummary): string {
	if (card.stopping) return 'Stopping; the work so far is kept';
	if (isQueued(card)) return waiting(card.live);
	const action = card.live?.last_action;
	if (action) return localTime(action);
	return PHASES[phaseIndex(card)]?.title ?? 'Working';
}

/** What a queued card waits for, and its place among those that wait for the same. */
function waiting(live: CardLive | null): string {
	const place = live?.queue_position ?? 1;
	if (live?.held_by) {
		const turn = place > 1 ? ordinal(place) : NO_TURN.includes(live.held_by) ? '' : 'next';
		return [HELD[live.held_by](live.agent), turn].filter(Boolean).join(' · ');
	}
	return place > 1 ? `${ordinal(place)} in the queue` : 'Waiting for a free runner';
}

/** Where being the next one means nothing yet. */
const NO_TURN: readonly HeldBy[] = ['no_runner', 'image'];

const HELD: Record<HeldBy, (agent: string) => string> = {
	paused: () => 'Jobs are paused',
	disk: () => 'The disk is almost full',
	image: () => 'Its image is being prepared',
	no_runner: (agent) => `No runner for ${agent}`,
	repo_limit: () => 'Repository at its limit',
	agent_limit: (agent) => `${agent} at its limit`,
};

function ordinal(n: number): string {
	const rest = n % 100;
	const end = rest > 10 && rest < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th');
	return `${n}${end}`;
}

/** What a card can fail for: the other reasons are no failures. */
type Reason = Exclude<CardFailure['reason'], 'finished' | 'no_changes' | 'cancelled'>;
const REASONS: Record<Reason, string> = {
	agent_failed: 'The agent failed',
	setup_failed: 'Setup failed',
	push_rejected: 'The work was refused',
	timed_out: 'It took too long',
	stalled: 'The agent went silent',
	runner_lost: 'The runner was lost',
	out_of_memory: 'Out of memory',
	budget_exceeded: 'The budget is used up',
	checks_failed: 'Checks failed',
};

/** A failure's reason as a title; the server's detail and hint stand beside it. */
export function reasonTitle(reason: string): string {
	return (REASONS as Record<string, string>)[reason] ?? reason.replaceAll('_', ' ');
}

export function filesText(files: number): string {
	return files === 1 ? '1 file' : `${files} files`;
}
