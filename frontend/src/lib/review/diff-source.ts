/** Where a card's changes come from and where a verdict on them goes. */

import { approveCard, requestChanges, type LineComment } from '#lib/api/cards.ts';
import { get } from '#lib/api/http.ts';
import type { Card, MergeMethod } from '#lib/api/types.ts';
import type { Diff } from './types.ts';

/** One file alone and complete, or the page of files after this cursor. */
export type Part = { path: string } | { cursor: string };

export interface ReviewPorts {
	/** The whole change, as far as one page of files goes. */
	diff: (cardId: string, part?: Part) => Promise<Diff>;
	/** What lies between two commits. */
	between: (repoId: string, base: string, head: string, part?: Part) => Promise<Diff>;
	/** The newest commits of a ref, newest first. */
	commits: (repoId: string, ref: string) => Promise<{ sha: string }[]>;
	approve: (cardId: string, headSha: string, method?: MergeMethod) => Promise<Card>;
	requestChanges: (cardId: string, message: string, comments: LineComment[]) => Promise<Card>;
	storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> | null;
}

export const httpPorts = (): ReviewPorts => ({
	diff: (cardId, part) => get<Diff>(`/api/cards/${cardId}/diff`, { ...part }),
	between: (repoId, base, head, part) =>
		get<Diff>(`/api/repos/${repoId}/diff`, { base, head, ...part }),
	commits: async (repoId, ref) =>
		(await get<{ items: { sha: string }[] }>(`/api/repos/${repoId}/commits`, { ref, limit: 50 }))
			.items,
	approve: approveCard,
	requestChanges,
	storage: browserStorage(),
});

function browserStorage(): Storage | null {
	try {
		return localStorage;
	} catch {
		return null; // storage is off: drafts live as long as the tab
	}
}
