/** What is drawn of a command until the server has answered. */

import type { CardSummary } from '#lib/api/types.ts';
import { aLive } from '#lib/live/blank.ts';
import type { Expectation } from '#lib/live/cards.svelte.ts';
import type { CardCommand } from './moves.ts';

/** What a card most likely looks like after a command, until the server says. */
export function expectation(command: CardCommand, card: CardSummary): Expectation {
	switch (command) {
		case 'start':
		case 'retry':
			return {
				status: 'in_progress',
				failure: null,
				live: aLive({ phase: 'queued', queued_at: new Date().toISOString() }),
			};
		case 'cancel':
			return card.live?.job_status === 'running'
				? { stopping: true }
				: { status: 'todo', live: null };
		case 'reject':
		case 'reopen':
			return { status: 'todo', live: null, failure: null, archived_at: null };
	}
}
