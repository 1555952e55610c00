/**
 * One WebSocket to the server's event feed, kept open: reconnects with backoff and resumes from the
 * cursor of the last event seen, so that nothing is missed and nothing is doubled (rules.md R11). A
 * connection that leads nowhere any more tells nobody, so a silent one is asked, and left when it does
 * not answer.
 *
 * Knows no store and no rune; `Feed` listens. The token travels as a subprotocol, never in the URL.
 */

import type { LiveEvent } from '#lib/api/types.ts';

export interface SocketListener {
	/**
	 * The feed begins here, without what was before: what was read may be stale. Comes first, and
	 * again when the cursor was too old (or of another database).
	 */
	hello(cursor: string): void;
	event(event: LiveEvent): void;
	/** The server does not know this credential; there is no use in trying again. */
	refused(): void;
	state(state: SocketState): void;
}

export type SocketState = 'connecting' | 'open' | 'waiting';

type Message = { type: 'hello'; cursor: string } | { type: 'reset' } | { type: 'pong' } | LiveEvent;

/** The server's close code for a credential that it does not know. */
const UNAUTHENTICATED = 4401;
const FIRST_DELAY = 500;
/** Short: the server is near, and a person may be looking at the banner. */
const LAST_DELAY = 3000;
const PING = '{"type": "ping"}';
/** Milliseconds without a word after which the server is asked whether it is there. */
export const QUIET = 20_000;
/** Milliseconds in which it has to answer that, or to take a connection. */
export const PATIENCE = 8000;

/** Milliseconds before the n-th attempt to reconnect (n from 0), without the jitter. */
export function backoff(attempt: number): number {
	return Math.min(LAST_DELAY, FIRST_DELAY * 2 ** attempt);
}

export interface SocketOptions {
	url: string;
	protocols: () => string[];
	listener: SocketListener;
	open?: (url: string, protocols: string[]) => WebSocket;
	/** 0 … 1, so that many tabs do not come back in the same instant. */
	jitter?: () => number;
}

export class LiveSocket {
	#options: SocketOptions;
	#socket: WebSocket | null = null;
	#cursor: string | null = null;
	#attempt = 0;
	#timer: ReturnType<typeof setTimeout> | undefined;
	/** Runs while there is a connection: until it is asked, or given up. */
	#watch: ReturnType<typeof setTimeout> | undefined;
	#stopped = true;

	constructor(options: SocketOptions) {
		this.#options = options;
	}

	get cursor(): string | null {
		return this.#cursor;
	}

	start(): void {
		if (!this.#stopped) return;
		this.#stopped = false;
		this.#connect();
	}

	stop(): void {
		this.#stopped = true;
		clearTimeout(this.#timer);
		clearTimeout(this.#watch);
		this.#socket?.close();
		this.#socket = null;
	}

	/**
	 * The network came back, or the tab woke: try again now instead of at the end of the backoff, and ask
	 * whether what was open still is.
	 */
	hurry(): void {
		if (this.#stopped) return;
		if (this.#socket) return this.#ask();
		clearTimeout(this.#timer);
		this.#attempt = 0;
		this.#connect();
	}

	#connect(): void {
		const { url, protocols, listener } = this.#options;
		const open = this.#options.open ?? ((to, with_) => new WebSocket(to, with_));
		listener.state('connecting');
		const socket = open(url, protocols());
		this.#socket = socket;
		this.#giveUpIn(PATIENCE);
		socket.onopen = () => socket.send(JSON.stringify({ after: this.#cursor }));
		socket.onmessage = (message) => {
			// One that was given up may still have something to say; its successor says it, too.
			if (this.#socket === socket) this.#receive(JSON.parse(String(message.data)) as Message);
		};
		socket.onclose = ({ code }) => {
			if (this.#socket !== socket) return;
			clearTimeout(this.#watch);
			this.#socket = null;
			if (code === UNAUTHENTICATED) {
				this.#stopped = true;
				listener.refused();
			}
			if (!this.#stopped) this.#retryLater();
		};
	}

	#receive(message: Message): void {
		const { listener } = this.#options;
		this.#attempt = 0;
		clearTimeout(this.#watch);
		this.#watch = setTimeout(() => this.#ask(), QUIET);
		listener.state('open');
		if (message.type === 'pong') return;
		if (message.type === 'hello') {
			const first = this.#cursor === null;
			this.#cursor = (message as { cursor: string }).cursor;
			if (first) listener.hello(this.#cursor);
		} else if (message.type === 'reset') {
			this.#cursor = null; // a hello follows and says where the feed begins anew
		} else {
			const event = message as LiveEvent;
			this.#cursor = event.cursor;
			listener.event(event);
		}
	}

	#ask(): void {
		if (this.#socket?.readyState !== WebSocket.OPEN) return; // it has its own time to open
		this.#socket.send(PING);
		this.#giveUpIn(PATIENCE);
	}

	#giveUpIn(ms: number): void {
		clearTimeout(this.#watch);
		this.#watch = setTimeout(() => {
			const lost = this.#socket;
			this.#socket = null; // its farewell may take minutes
			lost?.close();
			this.#retryLater();
		}, ms);
	}

	#retryLater(): void {
		const jitter = this.#options.jitter ?? Math.random;
		const delay = backoff(this.#attempt) * (0.75 + jitter() / 2);
		this.#attempt += 1;
		this.#options.listener.state('waiting');
		this.#timer = setTimeout(() => this.#connect(), delay);
	}
}
