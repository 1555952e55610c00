/**
 * The live feed of this tab: hands each event to the stores that asked for it and says whether the
 * page is up to date. Stores subscribe; nobody polls.
 */

import type { LiveEvent } from '#lib/api/types.ts';
import { LiveSocket, type SocketListener, type SocketState } from './socket.ts';

export interface FeedSubscriber {
	event(event: LiveEvent): void;
	/** The feed begins at `cursor`: whatever was read before that may be stale. */
	refresh(cursor: string): void;
}

/** `lost`: was open once and is not now. A page that is still loading is not lost. */
export type FeedStatus = 'opening' | 'live' | 'lost';

export class Feed implements SocketListener {
	status = $state<FeedStatus>('opening');
	#subscribers = new Set<FeedSubscriber>();
	#socket: LiveSocket | null = null;
	#failures = 0;
	#onrefused: () => void = () => undefined;

	start(protocols: () => string[], onrefused: () => void): void {
		this.#onrefused = onrefused;
		this.#socket?.stop();
		const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`;
		this.#socket = new LiveSocket({ url, protocols, listener: this });
		this.#socket.start();
		addEventListener('online', this.#hurry);
		document.addEventListener('visibilitychange', this.#hurry);
	}

	stop(): void {
		this.#socket?.stop();
		this.#socket = null;
		removeEventListener('online', this.#hurry);
		document.removeEventListener('visibilitychange', this.#hurry);
	}

	/** Returns the way to unsubscribe, so that it can be an effect's clean-up. */
	subscribe(subscriber: FeedSubscriber): () => void {
		this.#subscribers.add(subscriber);
		return () => this.#subscribers.delete(subscriber);
	}

	hello(cursor: string): void {
		for (const subscriber of this.#subscribers) subscriber.refresh(cursor);
	}
	event(event: LiveEvent): void {
		for (const subscriber of this.#subscribers) subscriber.event(event);
	}
	refused(): void {
		this.#onrefused();
	}
	/** One failed attempt is not worth a banner: a restarted server is back before the second. */
	state(state: SocketState): void {
		if (state === 'open') {
			this.#failures = 0;
			this.status = 'live';
		} else if (state === 'waiting') {
			this.#failures += 1;
			if (this.#failures > 1) this.status = 'lost';
		}
	}

	#hurry = () => {
		if (document.visibilityState === 'visible') this.#socket?.hurry();
	};
}

export const feed = new Feed();
