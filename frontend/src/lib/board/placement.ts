/** Where in a column a card is dropped, as the server is told and as it is drawn meanwhile. */

import type { Placement } from '#lib/api/cards.ts';
import type { CardSummary } from '#lib/api/types.ts';

const STEP = 1024;

export interface Spot {
	/** Sent to the server: directly before or after a neighbour; empty when there is none. */
	placement: Pick<Placement, 'before' | 'after'>;
	/** Drawn until it answers. */
	position: number;
}

/** The spot in front of `column[index]`, the dragged card itself not counted. */
export function spotAt(column: readonly CardSummary[], index: number, draggedId: string): Spot {
	const before = neighbour(column, index - 1, -1, draggedId);
	const after = neighbour(column, index, 1, draggedId);
	if (after) {
		const position = before ? (before.position + after.position) / 2 : after.position - STEP;
		return { placement: { before: after.id }, position };
	}
	if (before) return { placement: { after: before.id }, position: before.position + STEP };
	return { placement: {}, position: 0 };
}

function neighbour(
	column: readonly CardSummary[],
	from: number,
	step: 1 | -1,
	skip: string,
): CardSummary | undefined {
	for (let i = from; i >= 0 && i < column.length; i += step) {
		if (column[i]?.id !== skip) return column[i];
	}
	return undefined;
}

/** Would the card stand where it stands already? */
export function isSameSpot(
	column: readonly CardSummary[],
	index: number,
	draggedId: string,
): boolean {
	const at = column.findIndex((card) => card.id === draggedId);
	return at >= 0 && (index === at || index === at + 1);
}
