/** A server's log for tests. */

import { entry } from './factories.ts';
import { StreamCut, type LogSource } from './log-source.ts';
import type { Entry, LogPage } from './types.ts';

/** Its streams are cut after as many entries as `cuts` says, then end, or wait while the job goes on. */
export class FakeServer implements LogSource {
	entries: Entry[] = [];
	final = true;
	/** A stream waits for more instead of ending. */
	goesOn = false;
	asked: string[] = [];
	#wake: () => void = () => undefined;

	constructor(
		count: number,
		readonly cuts: number[] = [],
	) {
		this.write(count);
	}
	write(count: number) {
		for (let i = 0; i < count; i++) this.entries.push(entry(this.entries.length + 1, 'message'));
		this.#wake();
	}
	/** The job is over. */
	end() {
		this.final = true;
		this.goesOn = false;
		this.#wake();
	}
	#page(items: Entry[]): LogPage {
		return {
			items,
			next_after: items.at(-1)?.seq ?? 0,
			last_seq: this.entries.length,
			is_final: this.final,
		};
	}
	async after(_job: string, after: number, limit: number) {
		this.asked.push(`after ${after}`);
		return this.#page(this.entries.slice(after, after + limit));
	}
	async before(_job: string, before: number, limit: number) {
		this.asked.push(`before ${before}`);
		const end = Math.min(before - 1, this.entries.length);
		return this.#page(this.entries.slice(Math.max(0, end - limit), end));
	}
	async *follow(_job: string, after: number, signal: AbortSignal): AsyncGenerator<Entry> {
		this.asked.push(`follow ${after}`);
		const cut = this.cuts.shift() ?? Infinity;
		yield* this.stream(after, cut);
		if (cut !== Infinity) throw new StreamCut();
		let sent = Math.max(after, this.entries.length);
		signal.addEventListener('abort', () => this.#wake());
		while (this.goesOn && !signal.aborted) {
			for (; sent < this.entries.length && !signal.aborted; sent++) {
				yield this.entries[sent] as Entry;
			}
			if (this.goesOn && !signal.aborted) await new Promise<void>((more) => (this.#wake = more));
		}
	}
	*stream(after: number, count: number): Generator<Entry> {
		yield* this.entries.slice(after, after + count);
	}
}

/** Every promise that can be kept now is kept. */
export const settle = () => new Promise<void>((resolve) => setTimeout(resolve));
