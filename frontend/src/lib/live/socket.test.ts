import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LiveSocket, PATIENCE, QUIET, backoff, type SocketListener } from './socket.ts';

class FakeSocket {
	static all: FakeSocket[] = [];
	sent: string[] = [];
	readyState = WebSocket.OPEN;
	onopen: (() => void) | null = null;
	onmessage: ((message: { data: string }) => void) | null = null;
	onclose: ((event: { code: number }) => void) | null = null;
	constructor(
		readonly url: string,
		readonly protocols: string[],
	) {
		FakeSocket.all.push(this);
	}
	send(text: string): void {
		this.sent.push(text);
	}
	close(): void {
		this.onclose?.({ code: 1006 });
	}
	say(message: unknown): void {
		this.onmessage?.({ data: JSON.stringify(message) });
	}
}

const listener = {
	hello: vi.fn(),
	event: vi.fn(),
	refused: vi.fn(),
	state: vi.fn(),
} satisfies SocketListener;

function start(): LiveSocket {
	const socket = new LiveSocket({
		url: 'ws://x/ws',
		protocols: () => ['lazyaf'],
		listener,
		open: (url, protocols) => new FakeSocket(url, protocols) as unknown as WebSocket,
		jitter: () => 0.5,
	});
	socket.start();
	return socket;
}

const last = () => FakeSocket.all.at(-1) as FakeSocket;

beforeEach(() => {
	vi.useFakeTimers();
	FakeSocket.all = [];
	vi.clearAllMocks();
});
afterEach(() => vi.useRealTimers());

describe('LiveSocket', () => {
	it('asks for the feed from now on, and tells the first hello', () => {
		start();
		last().onopen?.();
		expect(last().sent).toEqual(['{"after":null}']);
		last().say({ type: 'hello', cursor: 'e:7' });
		expect(listener.hello).toHaveBeenCalledWith('e:7');
	});

	it('comes back after a loss and resumes behind the last event', () => {
		start();
		last().onopen?.();
		last().say({ type: 'hello', cursor: 'e:7' });
		last().say({ type: 'card.moved', cursor: 'e:8', data: {} });
		last().close();
		vi.advanceTimersByTime(backoff(0));
		expect(FakeSocket.all).toHaveLength(2);
		last().onopen?.();
		expect(last().sent).toEqual(['{"after":"e:8"}']);
		last().say({ type: 'hello', cursor: 'e:8' });
		expect(listener.hello).toHaveBeenCalledTimes(1);
	});

	it('begins anew after a reset, and says so', () => {
		start();
		last().onopen?.();
		last().say({ type: 'hello', cursor: 'e:7' });
		last().say({ type: 'reset' });
		last().say({ type: 'hello', cursor: 'f:2' });
		expect(listener.hello.mock.calls).toEqual([['e:7'], ['f:2']]);
	});

	it('does not knock again when the credential is refused', () => {
		start();
		last().onclose?.({ code: 4401 });
		vi.advanceTimersByTime(60_000);
		expect(listener.refused).toHaveBeenCalledTimes(1);
		expect(FakeSocket.all).toHaveLength(1);
	});

	it('asks a silent server, and goes elsewhere when it does not answer', () => {
		start();
		last().onopen?.();
		last().say({ type: 'hello', cursor: 'e:7' });
		vi.advanceTimersByTime(QUIET);
		expect(last().sent.at(-1)).toBe('{"type": "ping"}');
		last().say({ type: 'pong' });
		expect(listener.event).not.toHaveBeenCalled();
		vi.advanceTimersByTime(QUIET + PATIENCE);
		const silent = last();
		vi.advanceTimersByTime(backoff(0));
		expect(FakeSocket.all).toHaveLength(2);
		silent.say({ type: 'card.moved', cursor: 'e:8', data: {} });
		expect(listener.event).not.toHaveBeenCalled();
		last().onopen?.();
		expect(last().sent).toEqual(['{"after":"e:7"}']);
	});

	it('gives up a connection that does not open, and asks one that was asleep', () => {
		const socket = start();
		vi.advanceTimersByTime(PATIENCE + backoff(0));
		expect(FakeSocket.all).toHaveLength(2);
		last().onopen?.();
		last().say({ type: 'hello', cursor: 'e:7' });
		socket.hurry();
		expect(last().sent.at(-1)).toBe('{"type": "ping"}');
		vi.advanceTimersByTime(PATIENCE + backoff(0));
		expect(FakeSocket.all).toHaveLength(3);
	});

	it('waits longer each time, and stays away once stopped', () => {
		expect([0, 1, 2, 20].map(backoff)).toEqual([500, 1000, 2000, 3000]);
		const socket = start();
		socket.stop();
		vi.advanceTimersByTime(60_000);
		expect(FakeSocket.all).toHaveLength(1);
	});
});
