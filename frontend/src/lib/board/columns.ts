/** The five columns: their names, their colours, and which cards stand in them in which order. */

import { STATUSES, type CardStatus, type CardSummary } from '#lib/api/types.ts';

export interface Column {
	status: CardStatus;
	title: string;
	color: string;
	/** Said in an empty column. */
	empty: string;
}

export const COLUMNS: readonly Column[] = [
	{
		status: 'todo',
		title: 'To Do',
		color: 'var(--todo)',
		empty: 'Write down what an agent should do: what should be true when it is done.',
	},
	{
		status: 'in_progress',
		title: 'In Progress',
		color: 'var(--progress)',
		empty: 'Start a card with S, or drag it here, and follow its agent.',
	},
	{
		status: 'in_review',
		title: 'In Review',
		color: 'var(--review)',
		empty: 'What an agent has finished waits here for your eyes: read it, comment, approve.',
	},
	{
		status: 'done',
		title: 'Done',
		color: 'var(--done)',
		empty: 'What you approve is merged, and ends here.',
	},
	{
		status: 'failed',
		title: 'Failed',
		color: 'var(--failed)',
		empty: 'Nothing failed. What does says why, and what to do.',
	},
];

const BY_STATUS = new Map(COLUMNS.map((column) => [column.status, column]));

export function columnOf(status: CardStatus): Column {
	return BY_STATUS.get(status) as Column;
}

/** What the column is called: the archive has only what was done, so it stands in that one's place. */
export function columnTitle(column: Column, archived: boolean): string {
	return archived && column.status === 'done' ? 'Archive' : column.title;
}

/** The archive is not moved about in: it is in the order in which cards came there. */
export function newestArchivedFirst(grouped: Grouped): Grouped {
	grouped.done.sort((a, b) => (b.archived_at ?? '').localeCompare(a.archived_at ?? ''));
	return grouped;
}

export type Grouped = Record<CardStatus, CardSummary[]>;

/** Cards by column, each in its order: the smallest position is on top. */
export function group(cards: readonly CardSummary[]): Grouped {
	const grouped = Object.fromEntries(STATUSES.map((status) => [status, []])) as unknown as Grouped;
	for (const card of cards) grouped[card.status].push(card);
	for (const status of STATUSES) {
		grouped[status].sort((a, b) => a.position - b.position || a.number - b.number);
	}
	return grouped;
}
