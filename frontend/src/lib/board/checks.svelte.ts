/** The last run of a card's own checks in full, read again whenever its summary says that it is otherwise. */

import { listChecks } from '#lib/api/cards.ts';
import type { CardSummary, CheckRun } from '#lib/api/types.ts';

export class LastRun {
	run = $state.raw<CheckRun | null>(null);
	#asked = '';

	constructor(private readonly read: typeof listChecks = listChecks) {}

	async load(card: CardSummary): Promise<void> {
		const asked = card.checks ? `${card.id} ${card.checks.job_id} ${card.checks.state}` : '';
		if (asked === this.#asked) return;
		this.#asked = asked;
		if (!asked) {
			this.run = null;
			return;
		}
		try {
			const runs = await this.read(card.id);
			// The newest may have tried the card together with others; its own is the one to show.
			const own = runs.find((run) => run.job_id === card.checks?.job_id);
			if (asked === this.#asked) this.run = own ?? null;
		} catch {
			// The summary says how they stand; the next word about the card asks again.
			if (asked === this.#asked) this.#asked = '';
		}
	}
}
