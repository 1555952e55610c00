/** The board that the components below belong to, and what they may ask of the page around it. */

import { createContext } from 'svelte';
import type { CardSummary, Repo } from '#lib/api/types.ts';
import type { Board } from './board.svelte.ts';

export interface BoardContext {
	readonly board: Board;
	readonly repo: Repo;
	/** The address of a card's sheet. */
	href(card: CardSummary): string;
	create(): void;
	/** Asks once, then archives every done card of the board. */
	archiveDone(): void;
	edit(card: CardSummary): void;
	/** Shows what landing this branch on the real remote would push, and does it when told. */
	land(branch: string): void;
	/** Opens the "Move to…" menu at an element. */
	moveMenu(card: CardSummary, anchor: HTMLElement): void;
}

export const [getBoard, setBoard] = createContext<BoardContext>();
