/** Where a card's changes come from and where a verdict on them goes. */

import {
	applySuggestions,
	approveCard,
	listComments,
	listRounds,
	requestChanges,
	settleComment,
	type Approval,
	type LineComment,
	type Suggestion,
} from '#lib/api/cards.ts';
import { get } from '#lib/api/http.ts';
import { fetchBlob } from '#lib/api/repos.ts';
import type { Card, Round } from '#lib/api/types.ts';
import type { SentPorts } from './sent.svelte.ts';
import type { Diff } from './types.ts';

/** One file alone and complete, or the page of files after this cursor. */
export type Part = { path: string } | { cursor: string };

export interface ChangesPorts {
	/** The whole change, as far as one page of files goes. */
	diff: (cardId: string, part?: Part) => Promise<Diff>;
	/** What came after an earlier head, without what the base brought. */
	since: (cardId: string, sha: string, part?: Part) => Promise<Diff>;
	/** What one round alone has changed. */
	round: (cardId: string, number: number, part?: Part) => Promise<Diff>;
	rounds: (cardId: string) => Promise<Round[]>;
	/** The newest commits of a ref, newest first. */
	commits: (repoId: string, ref: string) => Promise<{ sha: string }[]>;
}

export interface ReviewPorts extends ChangesPorts, SentPorts {
	approve: (cardId: string, headSha: string, how: Approval) => Promise<Card>;
	requestChanges: (cardId: string, message: string, comments: LineComment[]) => Promise<Card>;
	suggest: (cardId: string, headSha: string, suggestions: Suggestion[]) => Promise<Card>;
	/** A file's content by its id. */
	blob: (repoId: string, id: string) => Promise<Blob>;
	storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> | null;
}

export const httpPorts = (): ReviewPorts => ({
	diff: (cardId, part) => get<Diff>(`/api/cards/${cardId}/diff`, { ...part }),
	since: (cardId, since, part) => get<Diff>(`/api/cards/${cardId}/diff`, { since, ...part }),
	round: (cardId, number, part) =>
		get<Diff>(`/api/cards/${cardId}/rounds/${number}/diff`, { ...part }),
	rounds: listRounds,
	comments: listComments,
	settle: settleComment,
	commits: async (repoId, ref) =>
		(await get<{ items: { sha: string }[] }>(`/api/repos/${repoId}/commits`, { ref, limit: 50 }))
			.items,
	approve: approveCard,
	requestChanges,
	suggest: applySuggestions,
	blob: fetchBlob,
	storage: browserStorage(),
});

function browserStorage(): Storage | null {
	try {
		return localStorage;
	} catch {
		return null; // storage is off: drafts live as long as the tab
	}
}
