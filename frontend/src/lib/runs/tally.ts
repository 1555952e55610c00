/**
 * Sums up what a run did, each entry once, whether or not it is still held: it remembers which
 * numbers it has seen, as ranges.
 */
import { toolPath } from './rows.ts';
import type { Entry, Usage } from './types.ts';

export interface RunStats {
	steps: number;
	additions: number;
	deletions: number;
	files: ReadonlySet<string>;
}

export class Tally {
	/** The newest usage that the log tells. */
	usage: Usage | null = null;
	#usageSeq = 0;
	#steps = 0;
	#additions = 0;
	#deletions = 0;
	readonly #files = new Set<string>();
	/** The files of calls whose result was not seen; results that changed a file and were seen first. */
	readonly #paths = new Map<string, string | null>();
	readonly #changed = new Set<string>();
	/** First and last numbers of what was seen: in order, with holes between them. */
	#seen: [number, number][] = [];

	get stats(): RunStats {
		return {
			steps: this.#steps,
			additions: this.#additions,
			deletions: this.#deletions,
			files: this.#files,
		};
	}

	/** Every number from `first` to `last` was seen. */
	covers(first: number, last: number): boolean {
		return this.#seen.some(([from, to]) => from <= first && last <= to);
	}

	/** Sum up entries that follow each other, but those that were seen before. */
	see(entries: readonly Entry[]): void {
		const [first, last] = [entries[0]?.seq, entries.at(-1)?.seq];
		if (first === undefined || last === undefined) return;
		for (const entry of entries) if (!this.covers(entry.seq, entry.seq)) this.#count(entry);
		this.note(first, last);
	}

	/** Nothing is to be seen from `first` to `last` any more. */
	note(first: number, last: number): void {
		let range: [number, number] = [first, last];
		const apart = this.#seen.filter(([from, to]) => {
			if (to + 1 < range[0] || range[1] + 1 < from) return true;
			range = [Math.min(from, range[0]), Math.max(to, range[1])];
			return false;
		});
		this.#seen = [...apart, range].toSorted((one, other) => one[0] - other[0]);
	}

	#count(entry: Entry): void {
		if (entry.kind === 'tool_call') this.#call(entry);
		else if (entry.kind === 'tool_result') this.#result(entry);
		else if (entry.kind === 'usage' && entry.seq > this.#usageSeq) {
			this.usage = entry.usage;
			this.#usageSeq = entry.seq;
		}
	}

	#call(entry: Entry): void {
		this.#steps += 1;
		if (entry.call_id === null) return;
		const path = toolPath(entry);
		if (!this.#changed.delete(entry.call_id)) this.#paths.set(entry.call_id, path);
		else if (path !== null) this.#files.add(path);
	}

	#result(entry: Entry): void {
		const { additions = 0, deletions = 0, patch } = entry.detail ?? {};
		this.#additions += additions;
		this.#deletions += deletions;
		if (entry.call_id === null) return;
		const path = this.#paths.get(entry.call_id);
		this.#paths.delete(entry.call_id);
		if (patch === undefined && additions + deletions === 0) return;
		if (path === undefined) this.#changed.add(entry.call_id);
		else if (path !== null) this.#files.add(path);
	}
}
