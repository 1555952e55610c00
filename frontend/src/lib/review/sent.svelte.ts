/** The comments on a card that were sent, and what came of each. */

import { SvelteSet } from 'svelte/reactivity';
import { sentence } from '#lib/api/http.ts';
import type { ReviewComment } from '#lib/api/types.ts';

export interface SentPorts {
	comments: (cardId: string) => Promise<ReviewComment[]>;
	/** Say that it is settled, or that it is not. */
	settle: (cardId: string, number: number, settled: boolean) => Promise<ReviewComment>;
}

export class SentComments {
	all = $state.raw<readonly ReviewComment[]>([]);
	/** Why they could not be read, or one could not be settled. */
	failure = $state<string | null>(null);
	/** Those that the server is being told about. */
	readonly busy = new SvelteSet<number>();
	#card: string | null = null;
	#asked = 0;

	constructor(private readonly ports: SentPorts) {}

	/** Nobody has said that these are settled. */
	readonly unresolved = $derived(this.all.filter(({ state }) => state !== 'resolved'));
	/** Nothing at all has come of these. */
	readonly open = $derived(this.all.filter(({ state }) => state === 'open'));

	/** Read them again. The latest question wins. */
	async load(cardId: string): Promise<void> {
		if (this.#card !== cardId) this.all = [];
		this.#card = cardId;
		const asked = ++this.#asked;
		try {
			const comments = await this.ports.comments(cardId);
			if (asked !== this.#asked) return;
			this.all = comments;
			this.failure = null;
		} catch (error) {
			if (asked === this.#asked) this.failure = sentence(error);
		}
	}

	async settle(number: number, settled: boolean): Promise<void> {
		const card = this.#card;
		if (!card || this.busy.has(number)) return;
		this.busy.add(number);
		try {
			const answer = await this.ports.settle(card, number, settled);
			if (card !== this.#card) return;
			this.all = this.all.map((other) => (other.number === number ? answer : other));
			this.failure = null;
		} catch (error) {
			this.failure = sentence(error);
		} finally {
			this.busy.delete(number);
		}
	}
}
