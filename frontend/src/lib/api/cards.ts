/** Cards and the commands a person gives them. Every command answers with the card after it. */

import { get, post, request } from './http.ts';
import type {
	Card,
	CardDraft,
	CardStatus,
	CardSummary,
	CheckRun,
	Conflicts,
	MergeMethod,
	Page,
	PullDraft,
	PullWanted,
	RecoveredWork,
	ReviewComment,
	Round,
	UpdateMethod,
	Waiting,
} from './types.ts';

/** `cursor` is the place in the event feed from which this snapshot continues. */
export interface CardSnapshot {
	items: CardSummary[];
	cursor: string | null;
}

const PAGE = 1000;

/** A repository's own list, or that of every repository together. */
const listOf = (repoId: string | null, name: string) =>
	repoId === null ? `/api/${name}` : `/api/repos/${repoId}/${name}`;

/**
 * Every card of a repository, or of all, page by page; the cursor is the first page's, so nothing is
 * missed. Archived ones are left out, or listed alone.
 */
export async function listCards(
	repoId: string | null,
	signal?: AbortSignal,
	archived: 'exclude' | 'only' = 'exclude',
): Promise<CardSnapshot> {
	const items: CardSummary[] = [];
	let cursor: string | null = null;
	let next: string | null = null;
	do {
		const page: Page<CardSummary> & { cursor?: string } = await get(
			listOf(repoId, 'cards'),
			{ limit: PAGE, cursor: next, archived: archived === 'only' ? archived : null },
			signal,
		);
		items.push(...page.items);
		cursor ??= page.cursor ?? null;
		next = page.next_cursor;
	} while (next);
	return { items, cursor };
}

/** A card by its number, archived or not. */
export async function findCard(repoId: string, number: number): Promise<CardSummary | undefined> {
	const page = await get<Page<CardSummary>>(`/api/repos/${repoId}/cards`, {
		q: `#${number}`,
		archived: 'include',
		limit: PAGE,
	});
	return page.items.find((card) => card.number === number);
}

/** Where every queued card of a repository, or of all, stands, page by page. */
export async function listQueue(repoId: string | null): Promise<Waiting[]> {
	const items: Waiting[] = [];
	let next: string | null = null;
	do {
		const page: Page<Waiting> = await get(listOf(repoId, 'queue'), {
			limit: PAGE,
			cursor: next,
		});
		items.push(...page.items);
		next = page.next_cursor;
	} while (next);
	return items;
}

const path = (id: string) => `/api/cards/${id}`;

export const getCard = (id: string) => get<Card>(path(id));
export const createCard = (repoId: string, draft: CardDraft) =>
	post<Card>(`/api/repos/${repoId}/cards`, draft);
export const updateCard = (id: string, fields: Partial<CardDraft>, version?: number) =>
	request<Card>('PATCH', path(id), { body: fields, version });
export const deleteCard = (id: string) => request<undefined>('DELETE', path(id));

export const startCard = (id: string, fresh = false) =>
	post<Card>(`${path(id)}/start`, fresh ? { fresh } : {});
export const retryCard = (id: string) => post<Card>(`${path(id)}/retry`);
export const cancelCard = (id: string) => post<Card>(`${path(id)}/cancel`);
export const rejectCard = (id: string) => post<Card>(`${path(id)}/reject`);
export const restoreBranch = (id: string) => post<Card>(`${path(id)}/restore-branch`);
export const reopenCard = (id: string) => post<Card>(`${path(id)}/reopen`);
/** Off the board, and back to it. */
export const archiveCard = (id: string) => post<Card>(`${path(id)}/archive`);
export const unarchiveCard = (id: string) => post<Card>(`${path(id)}/unarchive`);
export const archiveDone = (repoId: string) =>
	post<{ archived: number }>(`/api/repos/${repoId}/cards/archive-done`);
/** A new card that says the same. */
export const duplicateCard = (id: string) => post<Card>(`${path(id)}/duplicate`);
/** How to approve: by `method`, or else as the repository's settings say; with `require_resolved` only when
 *  every comment is. */
export interface Approval {
	method?: MergeMethod | undefined;
	require_resolved?: boolean;
}
export const approveCard = (id: string, headSha: string, how: Approval = {}) =>
	post<Card>(`${path(id)}/approve`, { head_sha: headSha, ...how });

/** The last runs of a card's checks, the newest first. */
export const listChecks = async (id: string) =>
	(await get<Page<CheckRun>>(`${path(id)}/checks`)).items;
export const runChecks = (id: string) => post<Card>(`${path(id)}/checks`);
export const cancelJob = (jobId: string) => post<unknown>(`/api/jobs/${jobId}/cancel`);
/** Take an approved card out of the merge queue. */
export const dequeueCard = (id: string) => post<Card>(`${path(id)}/dequeue`);

/** `side` is `old` for removed lines; `base_sha` and `head_sha` are the ends of the diff in which it was written. */
export interface LineComment {
	path: string;
	side?: 'old' | 'new';
	start_line?: number;
	line: number;
	body: string;
	base_sha?: string;
	head_sha?: string;
}
/** `text` instead of these lines of the file on the branch; each of its lines ends with a newline. */
export interface Suggestion {
	path: string;
	start_line: number;
	line: number;
	text: string;
}
/** Commit them to the branch, which must be at `headSha`, where their lines are counted. */
export const applySuggestions = (id: string, headSha: string, suggestions: Suggestion[]) =>
	post<Card>(`${path(id)}/suggestions`, { head_sha: headSha, suggestions });
export const requestChanges = (id: string, message: string, comments: LineComment[] = []) =>
	post<Card>(`${path(id)}/request-changes`, { message, comments });

/** Every comment that was sent, with what came of it. */
export const listComments = async (id: string) =>
	(await get<Page<ReviewComment>>(`${path(id)}/comments`)).items;
export const settleComment = (id: string, number: number, settled: boolean) =>
	post<ReviewComment>(`${path(id)}/comments/${number}/${settled ? 'resolve' : 'unresolve'}`);
/** The runs of the card's agent, the oldest first. */
export const listRounds = async (id: string) =>
	(await get<Page<Round>>(`${path(id)}/rounds`)).items;

export const resolveConflicts = (id: string, message = '') =>
	post<Card>(`${path(id)}/resolve-conflicts`, { message });
export const updateBranch = (id: string, method: UpdateMethod) =>
	post<Card>(`${path(id)}/update-branch`, { method });
/** What stands in the way of a card in review. */
export const getConflicts = (id: string) => get<Conflicts>(`${path(id)}/conflicts`);

/** What the card's pull request would say, and whether the server can open it. */
export const draftPull = (id: string) => get<PullDraft>(`${path(id)}/pull-request`);
/** Push the branch and open its pull request, or find the open one. */
export const openPull = (id: string, wanted: PullWanted) =>
	post<Card>(`${path(id)}/pull-request`, wanted);
/** Ask the forge how far it is. */
export const refreshPull = (id: string) => post<Card>(`${path(id)}/pull-request/refresh`);
/** Its pull request was merged; nothing is merged here. */
export const closeCard = (id: string) => post<Card>(`${path(id)}/close`);

/** Work of lost attempts that the card's branch has not. */
export const listRecovered = async (id: string) =>
	(await get<Page<RecoveredWork>>(`${path(id)}/recovered`)).items;
export const useRecovered = (id: string, sha: string) =>
	post<Card>(`${path(id)}/recovered/use`, { sha });
export const discardRecovered = (id: string, sha: string) =>
	post<undefined>(`${path(id)}/recovered/discard`, { sha });

/** Where a card is dropped: into a column, directly before or after another card of it. */
export interface Placement {
	status?: CardStatus;
	before?: string;
	after?: string;
}
export const moveCard = (id: string, placement: Placement) =>
	post<Card>(`${path(id)}/move`, placement);
