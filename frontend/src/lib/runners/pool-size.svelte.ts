/** The size a person wants a pool to have: several presses become one request. */

import { sentence } from '#lib/api/http.ts';
import { scalePool } from '#lib/api/runners.ts';
import { runners } from '#lib/live/runners.svelte.ts';

const QUIET = 350;

export class PoolSize {
	/** Null when the server's number is the one to show. */
	wanted = $state<number | null>(null);
	#timer: ReturnType<typeof setTimeout> | undefined;

	constructor(
		private readonly pool: string,
		private readonly refused: (reason: string) => void,
		private readonly scale: typeof scalePool = scalePool,
		private readonly reload: () => Promise<void> = () => runners.load(),
	) {}

	set(count: number): void {
		this.wanted = Math.max(0, count);
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => void this.#send(this.wanted ?? 0), QUIET);
	}

	async #send(count: number): Promise<void> {
		try {
			await this.scale(this.pool, count);
			await this.reload();
		} catch (error) {
			this.refused(sentence(error));
		} finally {
			if (this.wanted === count) this.wanted = null;
		}
	}
}
