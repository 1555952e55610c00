/**
 * Dragging cards by mouse, as attachments on pragmatic-drag-and-drop; `touch-drag.ts` has the finger's way.
 * A drag is an intent: the column under the pointer says what dropping here would mean, or why it would be
 * refused, before it happens.
 */

import {
	draggable,
	dropTargetForElements,
} from '@atlaskit/pragmatic-drag-and-drop/element/adapter';
import type { Attachment } from 'svelte/attachments';
import type { CardStatus } from '#lib/api/types.ts';
import type { Board } from './board.svelte.ts';
import { cardBelow, dropOn, registerColumn, type Hover } from './drop.svelte.ts';
import { isTouching } from './touch-drag.ts';

export function dragSource(board: Board, id: string): Attachment<HTMLElement> {
	return (element) =>
		draggable({
			element,
			// The browser's own drag by touch begins only in some, and cannot turn to another column.
			canDrag: () => !isTouching(),
			getInitialData: () => ({ cardId: id }),
			onDragStart: () => (board.draggedId = id),
			onDrop: () => {
				board.draggedId = null;
				board.select(id);
			},
		});
}

export function dropColumn(
	board: Board,
	status: CardStatus,
	hover: Hover,
): Attachment<HTMLElement> {
	return (element) => {
		registerColumn(element, { status, hover });
		return dropTargetForElements({
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
				dropOn(board, source.data.cardId as string, { status, hover });
			},
		});
	};
}
