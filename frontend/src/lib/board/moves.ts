/**
 * What moving a card to another column means. The same table answers drags, keys and menus; the
 * server has the same one (domain/cards.py) and the last word.
 */

import type { CardStatus, CardSummary } from '#lib/api/types.ts';
import { COLUMNS, columnOf } from './columns.ts';

export type CardCommand = 'start' | 'retry' | 'cancel' | 'reject' | 'reopen';

export type Move =
	/** Another place in its own column. */
	| { kind: 'place' }
	/** The server is asked for this command. */
	| { kind: 'command'; command: CardCommand; label: string }
	/** Something a person has to look at or write first: the card opens. */
	| { kind: 'open'; purpose: 'review' | 'request-changes'; label: string }
	| { kind: 'refused'; reason: string };

const COMMANDS: Partial<Record<`${CardStatus}>${CardStatus}`, [CardCommand, string]>> = {
	'todo>in_progress': ['start', 'Start'],
	'failed>in_progress': ['retry', 'Retry'],
	'in_progress>todo': ['cancel', 'Stop; the work so far is kept'],
	'in_review>todo': ['reject', 'Reject; the branch is kept'],
	'failed>todo': ['reject', 'Put back; the branch is kept'],
	'done>todo': ['reopen', 'Reopen'],
};

export function moveTo(card: CardSummary, target: CardStatus): Move {
	if (target === card.status) {
		return card.archived_at ? refused('The archive has its own order.') : { kind: 'place' };
	}
	if (card.stopping) {
		return refused(`#${card.number} is stopping. It goes to To Do by itself in a moment.`);
	}
	const known = COMMANDS[`${card.status}>${target}`];
	if (known) return { kind: 'command', command: known[0], label: known[1] };
	if (card.status === 'in_review' && target === 'done') {
		return { kind: 'open', purpose: 'review', label: 'Review and approve' };
	}
	if (card.status === 'in_review' && target === 'in_progress') {
		return { kind: 'open', purpose: 'request-changes', label: 'Request changes' };
	}
	return refused(whyNot(card, target));
}

function refused(reason: string): Move {
	return { kind: 'refused', reason };
}

function whyNot(card: CardSummary, target: CardStatus): string {
	if (target === 'failed') return 'A card gets here only when its run fails.';
	if (target === 'in_review') return 'A card gets here when its agent has finished.';
	if (target === 'done') {
		return card.status === 'in_progress'
			? 'The agent is still working. Approve when it has finished.'
			: 'There is nothing to approve yet. Start the card first.';
	}
	if (card.status === 'done') return 'This work is merged. Reopen the card first.';
	return `A card cannot go from ${columnOf(card.status).title} to ${columnOf(target).title}.`;
}

/** The next column to the right (1) or left (-1) that would take the card, if any. */
export function nextColumn(card: CardSummary, direction: 1 | -1): CardStatus | undefined {
	const at = COLUMNS.findIndex((column) => column.status === card.status);
	for (let i = at + direction; i >= 0 && i < COLUMNS.length; i += direction) {
		const { status } = COLUMNS[i] as (typeof COLUMNS)[number];
		if (moveTo(card, status).kind !== 'refused') return status;
	}
	return undefined;
}
