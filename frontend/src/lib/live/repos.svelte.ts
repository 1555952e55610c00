/** Every repository the server has. */

import { sentence } from '#lib/api/http.ts';
import { getRepo, listRepos } from '#lib/api/repos.ts';
import type { LiveEvent, Repo } from '#lib/api/types.ts';
import type { FeedSubscriber } from './feed.svelte.ts';

export class RepoStore implements FeedSubscriber {
	loaded = $state(false);
	loading = $state(false);
	failure = $state<string | null>(null);
	items = $state.raw<readonly Repo[]>([]);

	/** A repository by its slug or its id, as it stands in an address. */
	find(name: string): Repo | undefined {
		return this.items.find((repo) => repo.name === name || repo.id === name);
	}

	async load(): Promise<void> {
		this.loading = true;
		try {
			this.items = sorted((await listRepos()).items);
			this.loaded = true;
			this.failure = null;
		} catch (error) {
			this.failure = sentence(error);
		} finally {
			this.loading = false;
		}
	}

	/** Read one anew. What it was stays when that fails: the next word about it comes by the feed. */
	async reload(id: string): Promise<void> {
		try {
			this.put(await getRepo(id));
		} catch {
			// Nobody asked for it.
		}
	}

	put(repo: Repo): void {
		const known = this.items.find(({ id }) => id === repo.id);
		if (known && known.version > repo.version) return;
		this.items = sorted([...this.items.filter(({ id }) => id !== repo.id), repo]);
	}

	event(event: LiveEvent): void {
		if (event.type === 'repo.deleted') {
			const id = event.data.id ?? event.subject;
			this.items = this.items.filter((repo) => repo.id !== id);
		} else if (event.data.repo) this.put(event.data.repo);
		else if (event.type === 'branch.checked' && event.data.repo_id) {
			this.#checked(event.data.repo_id, event.data.checks ?? null);
		}
	}

	/** How a default branch stands: no new version of the repository, so no edit of it is outdated. */
	#checked(id: string, default_checks: Repo['default_checks']): void {
		this.items = this.items.map((repo) => (repo.id === id ? { ...repo, default_checks } : repo));
	}

	refresh(): void {
		void this.load();
	}
}

function sorted(repos: Repo[]): Repo[] {
	return repos.sort((a, b) => a.name.localeCompare(b.name));
}

export const repos = new RepoStore();
