import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { httpLogSource, SILENCE_MS, whole } from './log-source.ts';

it('makes an entry whole, with the agent’s own line only where that is shown', () => {
	const sent = { seq: 1, at: '2026-01-01T00:00:00Z', raw: '{"type":"assistant"}' };
	expect(whole({ ...sent, kind: 'message' })).toMatchObject({ text: '', name: null, raw: null });
	expect(whole({ ...sent, kind: 'raw' }).raw).toBe(sent.raw);
});

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void (vi.useRealTimers(), vi.unstubAllGlobals()));

/** A server of one stream, which says only what it is told to say. */
function silentServer() {
	let body: ReadableStreamDefaultController<Uint8Array> | undefined;
	const answer = (_url: string, { signal }: { signal: AbortSignal }) => {
		const stream = new ReadableStream<Uint8Array>({ start: (made) => void (body = made) });
		signal.addEventListener('abort', () => body?.error(signal.reason));
		return Promise.resolve(new Response(stream));
	};
	vi.stubGlobal('fetch', vi.fn(answer));
	return { say: (text: string) => body?.enqueue(new TextEncoder().encode(text)) };
}

it('leaves a stream that has gone silent, and no other', async () => {
	const server = silentServer();
	const stream = httpLogSource.follow('j', 0, new AbortController().signal)[Symbol.asyncIterator]();
	const first = stream.next();
	await vi.advanceTimersByTimeAsync(SILENCE_MS - 1);
	server.say(':\n\n');
	await vi.advanceTimersByTimeAsync(SILENCE_MS - 1);
	server.say('data: {"seq":1,"kind":"message","at":""}\n\n');
	expect((await first).value).toMatchObject({ seq: 1 });
	const second = expect(stream.next()).rejects.toThrow('The log stream was cut.');
	await vi.advanceTimersByTimeAsync(SILENCE_MS);
	await second;
});
