/** The saved views of one board: which is shown, and what a person does with them. */

import { deleteView, saveView, updateView } from '#lib/api/views.ts';
import { sentence } from '#lib/api/http.ts';
import type { SavedView } from '#lib/api/types.ts';
import { savedViews, type ViewStore } from '#lib/live/views.svelte.ts';
import type { Command } from '#lib/ui/commands.svelte.ts';
import { toast } from '#lib/ui/toast.svelte.ts';
import type { Board } from './board.svelte.ts';

export class Views {
	/** The dialog in which they are saved, renamed and deleted. */
	managing = $state(false);
	/** Why the last change was refused. */
	refusal = $state<string | null>(null);

	readonly all = $derived.by(() => this.store.of(this.board.store.repoId));
	/** The one whose filter the board has now. */
	readonly current = $derived.by(() => {
		const query = this.board.query.trim();
		return this.all.find((view) => view.query === query);
	});
	/** There is a filter, and it has no name yet. */
	readonly canSave = $derived.by(() => this.board.isFiltered && !this.current);

	constructor(
		private readonly board: Board,
		private readonly store: ViewStore = savedViews,
	) {}

	show(view: SavedView): void {
		this.board.query = view.query;
	}

	save(name: string): Promise<boolean> {
		return this.#ask(() => saveView(name.trim(), this.board.query.trim(), this.board.store.repoId));
	}

	async rename(view: SavedView, name: string): Promise<boolean> {
		if (!name.trim() || name.trim() === view.name) return true;
		return this.#ask(() => updateView(view.id, { name: name.trim() }));
	}

	async remove(view: SavedView): Promise<void> {
		try {
			await deleteView(view.id);
			this.store.remove(view.id);
			const undo = () => this.#ask(() => saveView(view.name, view.query, view.repo_id));
			void toast(`The view “${view.name}” is deleted.`, {
				action: { label: 'Undo', run: () => void undo() },
			});
		} catch (error) {
			this.refusal = sentence(error);
		}
	}

	/** As lines of the palette. */
	get commands(): Command[] {
		const shown = this.all.map((view) => ({
			id: `view-${view.id}`,
			title: view.name,
			hint: view.query,
			group: 'Saved views',
			run: () => this.show(view),
		}));
		const save = {
			id: 'save-view',
			title: 'Save this filter as a view…',
			group: 'Saved views',
			enabled: () => this.canSave,
			run: () => (this.managing = true),
		};
		return [...shown, save];
	}

	async #ask(ask: () => Promise<SavedView>): Promise<boolean> {
		this.refusal = null;
		try {
			this.store.put(await ask());
			return true;
		} catch (error) {
			this.refusal = sentence(error);
			return false;
		}
	}
}
