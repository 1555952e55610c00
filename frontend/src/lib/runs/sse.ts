/**
 * Reads a `text/event-stream` body, which EventSource cannot do with an Authorization header.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export interface ServerEvent {
	event: string;
	data: string;
	id: string | null;
}

/**
 * Ends when the body ends; throws when the connection breaks. A half-received event is dropped. `heard` is
 * called for whatever comes, also for the comments that only say that the server is there.
 */
export async function* serverEvents(
	body: ReadableStream<Uint8Array>,
	heard: () => void = () => undefined,
): AsyncGenerator<ServerEvent, void, undefined> {
	const reader = body.getReader();
	const decoder = new TextDecoder();
	const parser = new EventParser();
	try {
		for (;;) {
			const { done, value } = await reader.read();
			if (done) return;
			heard();
			yield* parser.feed(decoder.decode(value, { stream: true }));
		}
	} finally {
		// Also when the consumer leaves early: the server should not keep writing.
		await reader.cancel().catch(() => undefined);
	}
}

export class EventParser {
	#rest = '';
	#event = '';
	#data: string[] = [];
	#id: string | null = null;

	/** The events that `chunk` completes. */
	feed(chunk: string): ServerEvent[] {
		const events: ServerEvent[] = [];
		const lines = (this.#rest + chunk).split(/\r\n|\n/);
		this.#rest = lines.pop() ?? '';
		for (const line of lines) {
			if (line === '') {
				if (this.#data.length > 0 || this.#event !== '') {
					events.push({
						event: this.#event || 'message',
						data: this.#data.join('\n'),
						id: this.#id,
					});
				}
				this.#event = '';
				this.#data = [];
				this.#id = null;
			} else if (!line.startsWith(':')) {
				this.#field(line);
			}
		}
		return events;
	}

	#field(line: string): void {
		const colon = line.indexOf(':');
		const name = colon < 0 ? line : line.slice(0, colon);
		const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
		if (name === 'event') this.#event = value;
		else if (name === 'data') this.#data.push(value);
		else if (name === 'id') this.#id = value;
	}
}
