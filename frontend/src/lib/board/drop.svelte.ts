/** Where a dragged card would land, by whatever it is dragged, and what letting it go there means. */

import type { CardStatus } from '#lib/api/types.ts';
import type { Board } from './board.svelte.ts';

/** What a column shows while a card hangs over it. */
export class Hover {
	over = $state(false);
	/** The card before which it would land; null for the end of the column. */
	beforeId = $state<string | null>(null);
}

/** A column as something to drop on. */
export interface Target {
	status: CardStatus;
	hover: Hover;
}

const columns = new WeakMap<Element, Target>();

/** Let the element be found as this column, see `targetAt`. */
export function registerColumn(element: HTMLElement, target: Target): void {
	columns.set(element, target);
}

/** The column at this point of the window; its `hover` says before which card that is. */
export function targetAt(x: number, y: number): Target | null {
	const element = document.elementFromPoint(x, y)?.closest<HTMLElement>('[data-status]');
	const target = element && columns.get(element);
	if (!target) return null;
	target.hover.beforeId = cardBelow(element, x, y);
	return target;
}

/** The card was let go there; with others marked, they are all meant. */
export function dropOn(board: Board, cardId: string, { status, hover }: Target): void {
	const card = board.store.get(cardId);
	if (!card) return;
	const isOneOfMany = board.marks.has(card.id) && board.marked.length > 1;
	if (isOneOfMany && status !== card.status) void board.bulk.move(status);
	else board.drop(card, status, indexOf(board, status, hover.beforeId));
}

function indexOf(board: Board, status: CardStatus, beforeId: string | null): number {
	const column = board.shown[status];
	const at = beforeId ? column.findIndex((card) => card.id === beforeId) : -1;
	return at < 0 ? column.length : at;
}

/** The id of the card whose upper half begins below the pointer. */
export function cardBelow(column: HTMLElement, x: number, y: number): string | null {
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
