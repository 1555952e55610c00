/** What the keyboard does on the board. */

import type { CardSummary } from '#lib/api/types.ts';
import type { Command } from '#lib/ui/commands.svelte.ts';
import { ARCHIVE, duplicate, toggleArchived } from './archive.ts';
import type { Board } from './board.svelte.ts';

export interface KeyActions {
	create(): void;
	edit(card: CardSummary): void;
	moveMenu(card: CardSummary): void;
	focusFilter(): void;
	archiveDone(): void;
}

export function boardCommands(board: Board, actions: KeyActions): Command[] {
	const { selected } = board;
	const on = (run: (card: CardSummary) => void) => () => {
		if (selected) run(selected);
	};
	const whenSelected = (...statuses: CardSummary['status'][]) => {
		return () => Boolean(selected && (!statuses.length || statuses.includes(selected.status)));
	};
	const name = selected ? board.nameOf(selected) : 'card';
	return [
		{ id: 'create', title: 'New card', group: 'Board', keys: ['c'], run: actions.create },
		{
			id: 'mark',
			title: selected && board.marks.has(selected.id) ? `Unselect ${name}` : `Select ${name}`,
			group: 'Selection',
			keys: ['x'],
			enabled: whenSelected(),
			run: on((card) => board.toggleMark(card)),
		},
		{
			id: 'mark-down',
			title: 'Select on, downwards',
			group: 'Selection',
			keys: ['Shift+J', 'Shift+ArrowDown'],
			hidden: true,
			run: () => board.walkMarking(1),
		},
		{
			id: 'mark-up',
			title: 'Select on, upwards',
			group: 'Selection',
			keys: ['Shift+K', 'Shift+ArrowUp'],
			hidden: true,
			run: () => board.walkMarking(-1),
		},
		{
			id: 'mark-column',
			title: 'Select the whole column',
			group: 'Selection',
			keys: ['Mod+a'],
			run: () => board.markColumn(),
		},
		{
			id: 'unmark',
			title: 'Select nothing',
			group: 'Selection',
			keys: ['Escape'],
			enabled: () => board.marks.size > 0,
			run: () => board.marks.clear(),
		},
		{ id: 'filter', title: 'Filter cards', group: 'Board', keys: ['/'], run: actions.focusFilter },
		{
			id: 'show-archive',
			title: board.filter.archived ? 'Leave the archive' : 'Show the archive',
			group: 'Board',
			run: () => (board.query = board.filter.archived ? '' : ARCHIVE),
		},
		{
			id: 'archive-done',
			title: 'Archive all done cards…',
			group: 'Board',
			enabled: () => board.grouped.done.length > 0,
			run: actions.archiveDone,
		},
		{
			id: 'down',
			title: 'Next card',
			group: 'Walk',
			keys: ['j', 'ArrowDown'],
			hidden: true,
			run: () => board.walk(1),
		},
		{
			id: 'up',
			title: 'Previous card',
			group: 'Walk',
			keys: ['k', 'ArrowUp'],
			hidden: true,
			run: () => board.walk(-1),
		},
		{
			id: 'right',
			title: 'Column to the right',
			group: 'Walk',
			keys: ['l', 'ArrowRight'],
			hidden: true,
			run: () => board.walkColumn(1),
		},
		{
			id: 'left',
			title: 'Column to the left',
			group: 'Walk',
			keys: ['h', 'ArrowLeft'],
			hidden: true,
			run: () => board.walkColumn(-1),
		},
		{
			id: 'open',
			title: `Open ${name}`,
			group: 'Selected card',
			keys: ['Enter'],
			hidden: true,
			enabled: () => whenSelected()() && !onControl(),
			run: on((card) => board.open(card)),
		},
		{
			id: 'start',
			title: `Start ${name}`,
			group: 'Selected card',
			keys: ['s'],
			enabled: whenSelected('todo'),
			run: on((card) => (isMarked(board, card) ? void board.bulk.start() : board.start(card))),
		},
		{
			id: 'retry',
			title: `Retry ${name}`,
			group: 'Selected card',
			keys: ['s'],
			enabled: whenSelected('failed'),
			run: on((card) => (isMarked(board, card) ? void board.bulk.start() : board.retry(card))),
		},
		{
			id: 'archive',
			title: selected?.archived_at ? `Bring ${name} back` : `Archive ${name}`,
			group: 'Selected card',
			keys: ['a'],
			enabled: whenSelected('done'),
			run: on((card) => toggleArchived(board, card)),
		},
		{
			id: 'duplicate',
			title: `Duplicate ${name}`,
			group: 'Selected card',
			keys: ['Shift+D'],
			enabled: whenSelected(),
			run: on((card) => void duplicate(board, card, actions.edit)),
		},
		{
			id: 'edit',
			title: `Edit ${name}`,
			group: 'Selected card',
			keys: ['e'],
			enabled: whenSelected(),
			run: on(actions.edit),
		},
		{
			id: 'move',
			title: `Move ${name} to…`,
			group: 'Selected card',
			keys: ['m'],
			enabled: whenSelected(),
			run: on(actions.moveMenu),
		},
		{
			id: 'shift-right',
			title: 'Move to the right',
			group: 'Selected card',
			keys: ['Alt+ArrowRight'],
			hidden: true,
			enabled: whenSelected(),
			run: on((card) => board.shift(card, 1)),
		},
		{
			id: 'shift-left',
			title: 'Move to the left',
			group: 'Selected card',
			keys: ['Alt+ArrowLeft'],
			hidden: true,
			enabled: whenSelected(),
			run: on((card) => board.shift(card, -1)),
		},
		{
			id: 'nudge-up',
			title: 'Move up',
			group: 'Selected card',
			keys: ['Alt+ArrowUp'],
			hidden: true,
			enabled: whenSelected(),
			run: on((card) => board.nudge(card, -1)),
		},
		{
			id: 'nudge-down',
			title: 'Move down',
			group: 'Selected card',
			keys: ['Alt+ArrowDown'],
			hidden: true,
			enabled: whenSelected(),
			run: on((card) => board.nudge(card, 1)),
		},
	];
}

/** A command to one of several marked cards is meant for all of them. */
function isMarked(board: Board, card: CardSummary): boolean {
	return board.marks.has(card.id) && board.marked.length > 1;
}

/** Enter on a button or a link presses that, not the selected card. */
function onControl(): boolean {
	return Boolean(document.activeElement?.matches('a, button, [role=menuitem]'));
}
