/** The cards that were marked to be treated together. */

import { SvelteSet } from 'svelte/reactivity';

export class Marks {
	#ids = new SvelteSet<string>();
	/** Where a range begins. */
	#anchor: string | null = null;

	get size(): number {
		return this.#ids.size;
	}

	has(id: string): boolean {
		return this.#ids.has(id);
	}

	add(id: string): void {
		this.#ids.add(id);
		this.#anchor = id;
	}

	toggle(id: string): void {
		if (this.#ids.delete(id)) this.#anchor = null;
		else this.add(id);
	}

	/** Everything between the anchor and `id` as they stand in `order`; `id` alone if the anchor is not there. */
	extend(order: readonly string[], id: string): void {
		const to = order.indexOf(id);
		const from = this.#anchor === null ? -1 : order.indexOf(this.#anchor);
		const begin = from < 0 ? to : Math.min(from, to);
		for (const each of order.slice(begin, Math.max(from, to) + 1)) this.#ids.add(each);
		this.#anchor = id;
	}

	remove(ids: Iterable<string>): void {
		for (const id of ids) this.#ids.delete(id);
	}

	clear(): void {
		this.#ids.clear();
		this.#anchor = null;
	}
}
