/** Cards into the archive and out of it, and cards that say the same as another. */

import { archiveDone, duplicateCard } from '#lib/api/cards.ts';
import { sentence } from '#lib/api/http.ts';
import type { CardSummary } from '#lib/api/types.ts';
import { toast } from '#lib/ui/toast.svelte.ts';
import type { Board } from './board.svelte.ts';

/** The filter that shows the archive. */
export const ARCHIVE = 'is:archived';

/** Archive a card, or bring it back if it is there. */
export function toggleArchived(board: Board, card: CardSummary): void {
	void (card.archived_at ? board.bulk.unarchive([card]) : board.bulk.archive([card]));
}

/** Every done card of these repositories; what the server archived is told by the feed. */
export async function archiveAllDone(repoIds: readonly string[]): Promise<void> {
	let archived = 0;
	try {
		for (const id of repoIds) archived += (await archiveDone(id)).archived;
		void toast(`${archived} archived.`, { detail: `The filter ${ARCHIVE} shows them.` });
	} catch (error) {
		void toast('Not everything was archived.', { detail: sentence(error), tone: 'bad' });
	}
}

/** The copy is selected, and a word away from being edited. */
export async function duplicate(
	board: Board,
	card: CardSummary,
	edit: (copy: CardSummary) => void,
): Promise<void> {
	try {
		const copy = await duplicateCard(card.id);
		board.store.put(copy);
		board.select(copy.id);
		void toast(`${board.nameOf(copy)} is a copy of #${card.number}.`, {
			action: { label: 'Edit', run: () => edit(copy) },
		});
	} catch (error) {
		void toast(`${board.nameOf(card)} was not copied.`, { detail: sentence(error), tone: 'bad' });
	}
}
