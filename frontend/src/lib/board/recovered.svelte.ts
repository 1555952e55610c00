/** Work of a card's lost attempts that its branch has not: shown, used or put aside. */

import { discardRecovered, listRecovered, useRecovered } from '#lib/api/cards.ts';
import { sentence } from '#lib/api/http.ts';
import type { Card, LiveEvent, RecoveredWork } from '#lib/api/types.ts';

export class Recovered {
	items = $state.raw<readonly RecoveredWork[]>([]);
	/** The commit that the server is busy with. */
	busy = $state<string | null>(null);
	failure = $state<string | null>(null);
	#asked = 0;

	constructor(
		readonly cardId: string,
		private readonly put: (card: Card) => void,
		private readonly ports = { listRecovered, useRecovered, discardRecovered },
	) {}

	async load(): Promise<void> {
		const asked = ++this.#asked;
		try {
			const items = await this.ports.listRecovered(this.cardId);
			if (asked === this.#asked) this.items = items;
		} catch {
			// Nobody asked for it, and what is shown stays true; the next event may bring it.
		}
	}

	/** Work may come, and go, with any word about the card. */
	event(event: LiveEvent): void {
		if (event.type.startsWith('card.') && event.subject === this.cardId) void this.load();
	}

	/** Move the card's branch there. */
	use(sha: string): Promise<boolean> {
		return this.#ask(sha, async () => this.put(await this.ports.useRecovered(this.cardId, sha)));
	}

	/** Show it no more; the server keeps it. */
	discard(sha: string): Promise<boolean> {
		return this.#ask(sha, () => this.ports.discardRecovered(this.cardId, sha));
	}

	async #ask(sha: string, ask: () => Promise<unknown>): Promise<boolean> {
		if (this.busy) return false;
		this.busy = sha;
		this.failure = null;
		try {
			await ask();
			return true;
		} catch (error) {
			this.failure = sentence(error);
			return false;
		} finally {
			this.busy = null;
			await this.load();
		}
	}
}

/** Why the card's branch cannot be moved now. */
export function whyNotUse(status: Card['status']): string | null {
	if (status === 'in_progress') return 'A job is open: stop it or wait for it';
	return status === 'done' ? 'The card is done: reopen it first' : null;
}
