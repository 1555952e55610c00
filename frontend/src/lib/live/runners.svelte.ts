/** Every runner and every pool; what the top bar says in one line and the panel in full. */

import { sentence } from '#lib/api/http.ts';
import { listRunners } from '#lib/api/runners.ts';
import type { LiveEvent, Pool, Runner } from '#lib/api/types.ts';
import type { FeedSubscriber } from './feed.svelte.ts';

export class RunnerStore implements FeedSubscriber {
	loaded = $state(false);
	failure = $state<string | null>(null);
	items = $state.raw<readonly Runner[]>([]);
	pools = $state.raw<readonly Pool[]>([]);

	/** Why no job is given out at the moment. */
	warning = $state<string | null>(null);

	/** Those that could take a job, or have one. */
	readonly online = $derived(this.items.filter((runner) => runner.status !== 'offline'));
	readonly busy = $derived(this.items.filter((runner) => runner.status === 'busy').length);
	/** True when an agent here can act as the person who started the server. */
	readonly unsandboxed = $derived(this.online.some((runner) => runner.isolation === 'none'));

	async load(): Promise<void> {
		try {
			const { items, pools, warning } = await listRunners();
			this.items = sorted(items);
			this.pools = pools;
			this.warning = warning;
			this.loaded = true;
			this.failure = null;
		} catch (error) {
			this.failure = sentence(error);
		}
	}

	put(runner: Runner): void {
		this.items = sorted([...this.items.filter(({ id }) => id !== runner.id), runner]);
	}

	event(event: LiveEvent): void {
		if (event.data.runner) this.put(event.data.runner);
		else if (/^(pool\.|runner\.|disk\.)/.test(event.type)) void this.load();
	}

	refresh(): void {
		void this.load();
	}
}

const RANK = { busy: 0, idle: 1, draining: 2, offline: 3 } as const;

function sorted(runners: Runner[]): Runner[] {
	return runners.sort((a, b) => RANK[a.status] - RANK[b.status] || a.name.localeCompare(b.name));
}

export const runners = new RunnerStore();
