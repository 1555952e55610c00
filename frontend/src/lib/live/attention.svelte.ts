/**
 * Says when a card wants the person while they look elsewhere: it came to review, it failed, or its approval
 * bounced off the merge queue, and not by a person's hand. Each browser is asked first. What was said is
 * counted until the person looks.
 */

import type { CardSummary, LiveEvent } from '#lib/api/types.ts';
import type { FeedSubscriber } from './feed.svelte.ts';

const KEY = 'lazyaf.notify';

/** A card that wants somebody, and what it says. */
export interface Notice {
	card: CardSummary;
	/** "is ready for review": after the card's name. */
	why: string;
}

export interface AttentionPorts {
	/** Does the person look at something else? */
	isHidden(): boolean;
	/** Tell them outside the page, if they may be told there. */
	show(notice: Notice): void;
}

export class Attention implements FeedSubscriber {
	#wanted = $state(stored());
	/** The cards of which something was said since the person last looked. */
	#unseen = $state.raw<ReadonlySet<string>>(new Set());
	/** Approved cards that wait to be merged, as far as that was heard. */
	#approved = new Set<string>();

	constructor(private readonly ports: AttentionPorts) {}

	/** Whether this browser's person wants to be told. */
	get wanted(): boolean {
		return this.#wanted;
	}

	set wanted(wanted: boolean) {
		this.#wanted = wanted;
		if (!wanted) this.looked();
		try {
			if (wanted) localStorage.setItem(KEY, 'yes');
			else localStorage.removeItem(KEY);
		} catch {
			// Storage is off: good for this tab only.
		}
	}

	/** How many cards have something to say. */
	get count(): number {
		return this.#unseen.size;
	}

	/** The person looks at the page: it says the rest itself. */
	looked(): void {
		if (this.#unseen.size > 0) this.#unseen = new Set();
	}

	event(event: LiveEvent): void {
		const { card } = event.data;
		if (event.type === 'card.deleted') this.#settle(event.data.id ?? event.subject ?? '');
		if (!card) return;
		const why = this.#why(event, card);
		if (why && this.#wanted && this.ports.isHidden()) {
			this.#unseen = new Set(this.#unseen).add(card.id);
			this.ports.show({ card, why });
		} else if (event.type === 'card.moved') this.#settle(card.id);
	}

	refresh(): void {
		// What was missed meanwhile stands on the board.
	}

	/** Somebody saw to it elsewhere. */
	#settle(id: string): void {
		if (!this.#unseen.has(id)) return;
		const unseen = new Set(this.#unseen);
		unseen.delete(id);
		this.#unseen = unseen;
	}

	#why({ type, actor }: LiveEvent, card: CardSummary): string | null {
		const bounced = card.merge_state?.state === 'bounced' && this.#approved.has(card.id);
		if (card.merge_state && !bounced) this.#approved.add(card.id);
		else this.#approved.delete(card.id);
		if (actor?.startsWith('person:')) return null;
		if (bounced) return 'was approved and could not be merged';
		if (type !== 'card.moved') return null;
		if (card.status === 'in_review') return 'is ready for review';
		return card.status === 'failed' ? 'failed' : null;
	}
}

function stored(): boolean {
	try {
		return localStorage.getItem(KEY) === 'yes';
	} catch {
		return false;
	}
}
