/** The saved views of every board, the same in every browser. */

import { listViews } from '#lib/api/views.ts';
import type { LiveEvent, SavedView } from '#lib/api/types.ts';
import type { FeedSubscriber } from './feed.svelte.ts';

export class ViewStore implements FeedSubscriber {
	items = $state.raw<readonly SavedView[]>([]);

	constructor(private readonly list: typeof listViews = listViews) {}

	/** Those of a repository's board, or with null of that of all, by name. */
	of(repoId: string | null): readonly SavedView[] {
		return this.items.filter((view) => view.repo_id === repoId);
	}

	put(view: SavedView): void {
		const others = this.items.filter(({ id }) => id !== view.id);
		this.items = [...others, view].sort((a, b) => a.name.localeCompare(b.name));
	}

	remove(id: string): void {
		this.items = this.items.filter((view) => view.id !== id);
	}

	event(event: LiveEvent): void {
		if (event.type === 'view.deleted') this.remove(event.data.id ?? '');
		else if (event.data.view) this.put(event.data.view);
		else if (event.type === 'repo.deleted') {
			const id = event.data.id ?? event.subject;
			this.items = this.items.filter((view) => view.repo_id !== id);
		}
	}

	async refresh(): Promise<void> {
		try {
			this.items = await this.list();
		} catch {
			// Nobody asked for them: what is known stays until the feed is there again.
		}
	}
}

export const savedViews = new ViewStore();
