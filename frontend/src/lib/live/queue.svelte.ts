/**
 * Keeps the places of a board's queued cards true. They change with every job of every repository, so no
 * event tells each card's: after one that may have changed them, the queue is asked for, a moment later
 * and once for all that came meanwhile.
 */

import { listQueue } from '#lib/api/cards.ts';
import type { LiveEvent } from '#lib/api/types.ts';
import type { CardStore } from './cards.svelte.ts';
import type { FeedSubscriber } from './feed.svelte.ts';

const MOMENT = 300;
const CHANGES =
	/^(job\.(queued|claimed|requeued|finished)|card\.updated|repo\.updated|settings\.|runner\.|disk\.|pool\.preparing)/;

export class QueueWatch implements FeedSubscriber {
	#timer: ReturnType<typeof setTimeout> | undefined;
	#isAsking = false;
	#isStale = false;

	constructor(
		private readonly store: CardStore,
		private readonly list: typeof listQueue = listQueue,
	) {}

	event(event: LiveEvent): void {
		if (CHANGES.test(event.type)) this.#soon();
	}

	refresh(): void {
		this.#soon();
	}

	dispose(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
	}

	#soon(): void {
		if (this.#isAsking) this.#isStale = true;
		else this.#timer ??= setTimeout(() => void this.#ask(), MOMENT);
	}

	async #ask(): Promise<void> {
		this.#timer = undefined;
		if (!this.store.hasQueued) return;
		this.#isAsking = true;
		this.#isStale = false;
		try {
			this.store.stand(await this.list(this.store.repoId));
		} catch {
			// Nobody asked for it; the next event will.
		} finally {
			this.#isAsking = false;
			if (this.#isStale) this.#soon();
		}
	}
}
