/** Whether a card in review merges, in the words of the board: its base first, then its rivals. */

import type { CardSummary } from '#lib/api/types.ts';
import type { Word } from './word.ts';

const SHOWN = 3;

/** The base is in the way, or the cards of these numbers, or nobody; null while nobody knows. */
export function mergeWord(card: CardSummary): Word | null {
	const live = card.live;
	if (card.no_changes) return { tone: 'dim', text: 'no changes', title: '' };
	if (live?.mergeable == null) {
		return card.head_sha && live
			? { tone: 'dim', text: 'merge unknown', title: 'Whether it merges is being found out' }
			: null;
	}
	if (!live.mergeable) {
		const count = live.conflicts.length;
		return {
			tone: 'warn',
			text: count > 1 ? `${count} conflicts` : count ? '1 conflict' : 'conflicts',
			title: live.conflicts.join('\n') || 'No common history with its base',
		};
	}
	const rivals = live.conflicts_with;
	if (rivals.length > 0) {
		const title = `Once one of them is merged this will conflict: ${numbers(rivals, 100)}`;
		return { tone: 'warn', text: `conflicts with ${numbers(rivals)}`, title };
	}
	return { tone: 'ok', text: 'merges cleanly', title: '' };
}

/** `#12, #15 and 3 more`. */
export function numbers(rivals: readonly number[], shown = SHOWN): string {
	const named = rivals.slice(0, shown).map((number) => `#${number}`);
	const rest = rivals.length - named.length;
	return named.join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

export const commits = (count: number): string => (count === 1 ? '1 commit' : `${count} commits`);

/** `a.py, b.py and 3 more`, with no files: they have no common history. */
export function named(files: readonly string[], shown = 6): { files: string[]; more: number } {
	return { files: files.slice(0, shown), more: Math.max(0, files.length - shown) };
}
