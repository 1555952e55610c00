/** What the keyboard does on the board. */

import type { CardSummary } from '#lib/api/types.ts';
import type { Command } from '#lib/ui/commands.svelte.ts';
import type { Board } from './board.svelte.ts';

export interface KeyActions {
	create(): void;
	edit(card: CardSummary): void;
	moveMenu(card: CardSummary): void;
	focusFilter(): void;
}

export function boardCommands(board: Board, actions: KeyActions): Command[] {
	const { selected } = board;
	const on = (run: (card: CardSummary) => void) => () => {
		if (selected) run(selected);
	};
	const whenSelected = (...statuses: CardSummary['status'][]) => {
		return () => Boolean(selected && (!statuses.length || statuses.includes(selected.status)));
	};
	const name = selected ? `#${selected.number}` : 'card';
	return [
		{ id: 'create', title: 'New card', group: 'Board', keys: ['c'], run: actions.create },
		{ id: 'filter', title: 'Filter cards', group: 'Board', keys: ['/'], run: actions.focusFilter },
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
			run: on((card) => board.start(card)),
		},
		{
			id: 'retry',
			title: `Retry ${name}`,
			group: 'Selected card',
			keys: ['s'],
			enabled: whenSelected('failed'),
			run: on((card) => board.retry(card)),
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

/** Enter on a button or a link presses that, not the selected card. */
function onControl(): boolean {
	return Boolean(document.activeElement?.matches('a, button, [role=menuitem]'));
}
