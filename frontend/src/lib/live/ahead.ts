/**
 * The cards of the board that the address names, asked for before its page is here: together with
 * the list of repositories instead of after it. The snapshot says where the feed goes on from it.
 */

import { listCards, type CardSnapshot } from '#lib/api/cards.ts';
import { lastRepo } from './last-repo.ts';

let ahead: { repoId: string; cards: Promise<CardSnapshot> } | null = null;

/** Only when the repository of that name was open here before: a name alone is no id. */
export function readAhead(pathname: string): void {
	const repo = lastRepo();
	if (!repo || pathname.split('/')[2] !== encodeURIComponent(repo.name)) return;
	if (!pathname.startsWith('/r/')) return;
	const cards = listCards(repo.id);
	cards.catch(() => undefined); // whoever takes it hears of it
	ahead = { repoId: repo.id, cards };
}

/** As `listCards`; what was read ahead is given out once. */
export function takeCards(repoId: string, signal?: AbortSignal): Promise<CardSnapshot> {
	const known = ahead;
	ahead = null;
	return known?.repoId === repoId ? known.cards : listCards(repoId, signal);
}
