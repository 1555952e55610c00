/** The board's cards as lines of the palette. */

import type { Command } from '#lib/ui/commands.svelte.ts';
import type { Board } from './board.svelte.ts';

/** More than these are not looked through; another word finds the rest. */
const SHOWN = 20;

/** Those in whose name, title and labels every word of `query` occurs. */
export function findCards(board: Board, query: string): Command[] {
	const words = query.toLowerCase().split(/\s+/).filter(Boolean);
	if (!words.length) return [];
	return board.store.all
		.filter((card) => {
			const text = `${board.nameOf(card)} ${card.title} ${card.labels.join(' ')}`.toLowerCase();
			return words.every((word) => text.includes(word));
		})
		.slice(0, SHOWN)
		.map((card) => ({
			id: card.id,
			title: `${board.nameOf(card)} ${card.title}`,
			group: 'Cards',
			run: () => board.open(card),
		}));
}
