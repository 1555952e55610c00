/** A repository's commits as far as they were read, laid out as a graph. */

import { sentence } from '#lib/api/http.ts';
import { Lanes, type GraphRow } from './lanes.ts';
import { listCommits } from './repo-source.ts';

export class History {
	rows = $state.raw<readonly GraphRow[]>([]);
	loading = $state(false);
	failure = $state<string | null>(null);
	/** Everything was read. */
	complete = $state(false);
	#lanes = new Lanes();
	#cursor: string | null = null;

	constructor(
		readonly repoId: string,
		readonly ref: string | null,
		private readonly list: typeof listCommits = listCommits,
	) {}

	/** Read the next page. */
	async more(): Promise<void> {
		if (this.loading || this.complete) return;
		this.loading = true;
		try {
			const page = await this.list(this.repoId, this.ref, this.#cursor);
			const fresh = page.items.map((commit) => this.#lanes.add(commit));
			this.rows = [...this.rows, ...fresh];
			this.#cursor = page.next_cursor;
			this.complete = page.next_cursor === null;
			this.failure = null;
		} catch (error) {
			this.failure = sentence(error);
		} finally {
			this.loading = false;
		}
	}
}
