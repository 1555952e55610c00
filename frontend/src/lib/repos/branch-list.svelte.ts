/** The branches of a repository: read, found by a word, put in order. */

import { sentence } from '#lib/api/http.ts';
import { listBranches } from '#lib/api/repos.ts';
import { cloneUrl } from './repo-source.ts';
import type { Branch } from './types.ts';

export class BranchList {
	items = $state.raw<readonly Branch[]>([]);
	loaded = $state(false);
	failure = $state<string | null>(null);
	/** Where the repository can be fetched. */
	url = $state<string | null>(null);
	query = $state('');
	#asked = 0;

	/** The default branch first, then what was worked on last. */
	readonly shown: readonly Branch[] = $derived.by(() => {
		const words = this.query.toLowerCase().split(/\s+/).filter(Boolean);
		return this.items
			.filter((branch) => {
				const text = `${branch.name} ${branch.subject} ${branch.author} #${branch.card?.number ?? ''}`;
				return words.every((word) => text.toLowerCase().includes(word));
			})
			.toSorted(
				(a, b) =>
					Number(b.is_default) - Number(a.is_default) ||
					b.committed_at.localeCompare(a.committed_at),
			);
	});
	readonly most: number = $derived(
		this.items.reduce((most, { ahead, behind }) => Math.max(most, ahead, behind), 20),
	);

	constructor(
		readonly repoId: string,
		private readonly ports = { listBranches, cloneUrl },
	) {}

	async load(): Promise<void> {
		const asked = ++this.#asked;
		try {
			const items = await this.ports.listBranches(this.repoId);
			if (asked !== this.#asked) return;
			this.items = items;
			this.failure = null;
		} catch (error) {
			if (asked === this.#asked) this.failure = sentence(error);
		} finally {
			this.loaded = true;
		}
		if (this.url) return;
		try {
			this.url = (await this.ports.cloneUrl(this.repoId)).url;
		} catch {
			// Only the copy buttons need it, and they say so.
		}
	}
}
