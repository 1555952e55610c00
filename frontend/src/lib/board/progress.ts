/** A running job in words: which of its phases it is in, and what it waits for. */

import type { CardSummary } from '#lib/api/types.ts';

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

export function isQueued(card: CardSummary): boolean {
	return card.status === 'in_progress' && phaseIndex(card) === 0 && !card.live?.started_at;
}

/** The one line under a running card's title. */
export function doing(card: CardSummary): string {
	if (card.stopping) return 'Stopping; the work so far is kept';
	if (isQueued(card)) {
		const place = card.live?.queue_position;
		if (place && place > 1) return `${ordinal(place)} in the queue`;
		return 'Waiting for a free runner';
	}
	return card.live?.last_action ?? PHASES[phaseIndex(card)]?.title ?? 'Working';
}

function ordinal(n: number): string {
	const rest = n % 100;
	const end = rest > 10 && rest < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th');
	return `${n}${end}`;
}

const REASONS: Record<string, string> = {
	agent_failed: 'The agent failed',
	setup_failed: 'Setup failed',
	push_rejected: 'The work was refused',
	timed_out: 'It took too long',
	stalled: 'The agent went silent',
	runner_lost: 'The runner was lost',
	out_of_memory: 'Out of memory',
	budget_exceeded: 'The budget is used up',
};

/** A failure's reason as a title; the server's detail and hint stand beside it. */
export function reasonTitle(reason: string): string {
	return REASONS[reason] ?? reason.replaceAll('_', ' ');
}

export function filesText(files: number): string {
	return files === 1 ? '1 file' : `${files} files`;
}
