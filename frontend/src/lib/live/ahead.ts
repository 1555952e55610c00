/**
 * The cards of the board that the address names, asked for before its page is here: together with
 * the list of repositories instead of after it. The snapshot says where the feed goes on from it.
 */

import { listCards, type CardSnapshot } from '#lib/api/cards.ts';
import { lastRepo } from './last-repo.ts';

let ahead: { repoId: string | null; cards: Promise<CardSnapshot> } | null = null;

/** Only when the repository of that name was open here before: a name alone is no id. */
export function readAhead(pathname: string): void {
	const [, room, name] = pathname.split('/');
	const repo = lastRepo();
	if (room === 'all') ask(null);
	else if (room === 'r' && repo && name === encodeURIComponent(repo.name)) ask(repo.id);
}

function ask(repoId: string | null): void {
	const cards = listCards(repoId);
	cards.catch(() => undefined); // whoever takes it hears of it
	ahead = { repoId, cards };
}

/** As `listCards`; what was read ahead is given out once. */
export function takeCards(...asked: Parameters<typeof listCards>): Promise<CardSnapshot> {
	const known = ahead;
	ahead = null;
	const isAhead = known && known.repoId === asked[0] && asked[2] !== 'only';
	return isAhead ? known.cards : listCards(...asked);
}
