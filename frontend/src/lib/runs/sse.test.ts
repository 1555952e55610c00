import { expect, it } from 'vitest';
import { EventParser, serverEvents } from './sse.ts';

it('reads events whatever the chunks', () => {
	const text = ': hello\nid: 7\ndata: {"a":1}\n\nevent: end\r\ndata: {}\r\n\r\ndata: half';
	for (let size = 1; size <= text.length; size++) {
		const parser = new EventParser();
		const events = [];
		for (let at = 0; at < text.length; at += size) {
			events.push(...parser.feed(text.slice(at, at + size)));
		}
		expect(events, `chunks of ${size}`).toEqual([
			{ event: 'message', data: '{"a":1}', id: '7' },
			{ event: 'end', data: '{}', id: null },
		]);
	}
});

it('joins lines of data and lets the consumer leave', async () => {
	let cancelled = false;
	const body = new ReadableStream<Uint8Array>({
		start: (controller) => controller.enqueue(new TextEncoder().encode('data: é\ndata: b\n\n')),
		cancel: () => void (cancelled = true),
	});
	for await (const event of serverEvents(body)) {
		expect(event.data).toBe('é\nb');
		break;
	}
	expect(cancelled).toBe(true);
});
