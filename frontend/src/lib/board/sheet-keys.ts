/** What the keyboard does in a card's sheet. */

import type { CardSummary } from '#lib/api/types.ts';
import type { Command } from '#lib/ui/commands.svelte.ts';
import { approveAndClose, approveLabel, whyNotApprove } from './approve.ts';
import { isLate } from './conflicts.svelte.ts';
import { isPullShown } from './pull.ts';
import type { ReviewState, Sheet } from './sheet.svelte.ts';

export interface SheetActions {
	edit(): void;
	close(): void;
	compose(): void;
	/** Opens a pull request; null where none can be. */
	pull: (() => void) | null;
}

export function sheetCommands(
	card: CardSummary,
	sheet: Sheet,
	review: ReviewState,
	actions: SheetActions,
): Command[] {
	const group = `Card #${card.number}`;
	const is = (...statuses: CardSummary['status'][]) => {
		return () => statuses.includes(card.status);
	};
	return [
		{
			id: 'sheet-approve',
			title: approveLabel(card),
			group,
			keys: ['Shift+A'],
			enabled: () => card.status === 'in_review' && !whyNotApprove(card, review),
			run: () => void approveAndClose(card, sheet, review, actions.close),
		},
		{
			id: 'sheet-request',
			title: 'Request changes',
			group,
			keys: ['r'],
			enabled: is('in_review'),
			run: actions.compose,
		},
		{
			id: 'sheet-update',
			title: 'Update branch: merge the base in',
			group,
			enabled: () => card.status === 'in_review' && isLate(card),
			run: () => void sheet.updateBranch(review, 'merge'),
		},
		{
			id: 'sheet-resolve',
			title: 'Ask the agent to resolve the conflict',
			group,
			enabled: () => card.status === 'in_review' && card.live?.mergeable === false,
			run: () => void sheet.resolveConflicts(),
		},
		{
			id: 'sheet-pull',
			title: 'Open a pull request…',
			group,
			enabled: () => actions.pull !== null,
			run: () => actions.pull?.(),
		},
		{
			id: 'sheet-refresh-pull',
			title: 'Ask how far the pull request is',
			group,
			enabled: () => isPullShown(card),
			run: () => void sheet.refreshPull(),
		},
		{
			id: 'sheet-start',
			title: card.status === 'failed' ? 'Retry' : 'Start',
			group,
			keys: ['s'],
			enabled: is('todo', 'failed'),
			run: () => void sheet.command(card, card.status === 'failed' ? 'retry' : 'start'),
		},
		{
			id: 'sheet-stop',
			title: 'Stop the agent',
			group,
			enabled: () => card.status === 'in_progress' && !card.stopping,
			run: () => void sheet.command(card, 'cancel'),
		},
		{
			id: 'sheet-reopen',
			title: 'Reopen',
			group,
			enabled: is('done'),
			run: () => void sheet.command(card, 'reopen'),
		},
		{ id: 'sheet-edit', title: 'Edit', group, keys: ['e'], run: actions.edit },
		{ id: 'sheet-close', title: 'Back to the board', group, keys: ['Escape'], run: actions.close },
	];
}
