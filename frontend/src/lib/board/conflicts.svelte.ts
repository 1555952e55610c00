/** What stands in the way of a card in review, read again whenever its summary says that it is otherwise. */

import { getConflicts } from '#lib/api/cards.ts';
import type { CardSummary, Conflicts } from '#lib/api/types.ts';
import { isQueuedToMerge } from './checks-state.ts';

/** Is there anything to tell beyond that it merges? */
export function isInTheWay(card: CardSummary): boolean {
	const live = card.live;
	if (card.status !== 'in_review' || card.no_changes || !live) return false;
	return live.mergeable === false || live.conflicts_with.length > 0 || isLate(card);
}

/** Has its base moved on, and would it help to bring it in? Whoever waits to be merged needs nothing. */
export function isLate(card: CardSummary): boolean {
	const live = card.live;
	return live?.mergeable === true && Boolean(live.behind) && !isQueuedToMerge(card);
}

export class InTheWay {
	found = $state.raw<Conflicts | null>(null);
	#asked = '';

	constructor(private readonly read: typeof getConflicts = getConflicts) {}

	async load(card: CardSummary): Promise<void> {
		const asked = isInTheWay(card) ? `${card.id} ${card.version}` : '';
		if (asked === this.#asked) return;
		this.#asked = asked;
		if (!asked) {
			this.found = null;
			return;
		}
		try {
			const found = await this.read(card.id);
			if (asked === this.#asked) this.found = found;
		} catch {
			// The summary says that there is something; the next word about the card asks again.
			if (asked === this.#asked) this.#asked = '';
		}
	}
}
