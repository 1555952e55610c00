/** The board that the components below belong to, and what they may ask of the page around it. */

import { createContext } from 'svelte';
import type { CardSummary, Repo } from '#lib/api/types.ts';
import type { Board } from './board.svelte.ts';

export interface BoardContext {
	readonly board: Board;
	/** The one repository whose cards it shows; null: it shows every repository's. */
	readonly repo: Repo | null;
	/** The repository of a card that is shown. */
	repoOf(card: CardSummary): Repo;
	/** Where the board itself is, without its filter. */
	readonly address: string;
	/** The address of a card's sheet, over this board. */
	href(card: CardSummary): string;
	create(): void;
	/** Asks once, then archives every done card of the board. */
	archiveDone(): void;
	edit(card: CardSummary): void;
	/** Shows what landing this branch on the real remote would push, and does it when told. */
	land(card: CardSummary, branch: string): void;
	/** Shows what the card's pull request would say and push, and opens it when told. */
	pull(card: CardSummary): void;
	/** Opens the "Move to…" menu at an element. */
	moveMenu(card: CardSummary, anchor: HTMLElement): void;
}

export const [getBoard, setBoard] = createContext<BoardContext>();
