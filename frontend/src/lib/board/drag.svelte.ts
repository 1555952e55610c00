/**
 * Dragging cards, as attachments on pragmatic-drag-and-drop. A drag is an intent: the column under
 * the pointer says what dropping here would mean, or why it would be refused, before it happens.
 */

import {
	draggable,
	dropTargetForElements,
} from '@atlaskit/pragmatic-drag-and-drop/element/adapter';
import type { Attachment } from 'svelte/attachments';
import type { CardStatus } from '#lib/api/types.ts';
import type { Board } from './board.svelte.ts';
import { moveTo } from './moves.ts';

export function dragSource(board: Board, id: string): Attachment<HTMLElement> {
	return (element) =>
		draggable({
			element,
			getInitialData: () => ({ cardId: id }),
			onDragStart: () => (board.draggedId = id),
			onDrop: () => {
				board.draggedId = null;
				board.select(id);
			},
		});
}

/** What a column shows while a card hangs over it. */
export class Hover {
	over = $state(false);
	/** The card before which it would land; null for the end of the column. */
	beforeId = $state<string | null>(null);
}

export function dropColumn(
	board: Board,
	status: CardStatus,
	hover: Hover,
): Attachment<HTMLElement> {
	return (element) =>
		dropTargetForElements({
			element,
			canDrop: ({ source }) => typeof source.data.cardId === 'string',
			onDragEnter: () => (hover.over = true),
			onDragLeave: () => (hover.over = false),
			onDrag: ({ location }) => {
				const { clientX, clientY } = location.current.input;
				hover.beforeId = cardBelow(element, clientX, clientY);
			},
			onDrop: ({ source }) => {
				hover.over = false;
				const card = board.store.get(source.data.cardId as string);
				if (!card) return;
				const isOneOfMany = board.marks.has(card.id) && board.marked.length > 1;
				if (isOneOfMany && status !== card.status) void board.bulk.move(status);
				else board.drop(card, status, indexOf(board, status, hover.beforeId));
			},
		});
}

/** Can the dragged card go here at all? False also when nothing is dragged. */
export function takes(board: Board, status: CardStatus): boolean {
	return Boolean(board.dragged && moveTo(board.dragged, status).kind !== 'refused');
}

function indexOf(board: Board, status: CardStatus, beforeId: string | null): number {
	const column = board.shown[status];
	const at = beforeId ? column.findIndex((card) => card.id === beforeId) : -1;
	return at < 0 ? column.length : at;
}

/** The id of the card whose upper half begins below the pointer. */
function cardBelow(column: HTMLElement, x: number, y: number): string | null {
	const tile = document
		.elementsFromPoint(x, y)
		.map((element) => element.closest<HTMLElement>('[data-card]'))
		.find((element) => element && column.contains(element));
	if (!tile) {
		const first = column.querySelector<HTMLElement>('[data-card]');
		return first && y < first.getBoundingClientRect().top ? (first.dataset.card ?? null) : null;
	}
	const { top, height } = tile.getBoundingClientRect();
	if (y < top + height / 2) return tile.dataset.card ?? null;
	const next = tile.nextElementSibling as HTMLElement | null;
	return next?.dataset.card ?? null;
}
