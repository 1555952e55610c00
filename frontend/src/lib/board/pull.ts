/** A card's pull request in the words of the board: what is known of it, and what a person can do. */

import type { CardSummary } from '#lib/api/types.ts';
import type { Word } from './word.ts';

const WORDS = {
	unknown: { tone: 'dim', text: 'pull request', title: 'Nobody has told yet how far it is' },
	open: { tone: 'ok', text: 'open', title: 'Its pull request is open' },
	draft: { tone: 'dim', text: 'draft', title: 'Its pull request is a draft' },
	merged: { tone: 'busy', text: 'merged there', title: 'Its pull request was merged on its forge' },
	closed: {
		tone: 'bad',
		text: 'closed',
		title: 'Its pull request was closed without being merged',
	},
} as const satisfies Record<string, Word>;

/** How far it is, or null without one. What its forge refuses is a warning. */
export function pullWord(card: CardSummary): Word | null {
	if (!card.pr_url) return null;
	const word = WORDS[card.pr_state ?? 'unknown'];
	return card.pr_note ? { ...word, tone: 'warn', title: card.pr_note } : word;
}

/** `#12`, as its page is called; `!12` is a merge request of GitLab. */
export function pullNumber(url: string): string {
	const [, kind, number] = /\/(pull|pulls|merge_requests)\/(\d+)/.exec(url) ?? [];
	if (!number) return '';
	return `${kind === 'merge_requests' ? '!' : '#'}${number}`;
}

/** The host that its page is on; empty for what is no address. */
export function pullHost(url: string): string {
	return URL.canParse(url) ? new URL(url).host : '';
}

/** Is there something to say of it above the card's parts? Once the card is done, only while it goes on. */
export function isPullShown(card: CardSummary): boolean {
	if (!card.pr_url) return false;
	const isOver = card.pr_state === 'merged' || card.pr_state === 'closed';
	return card.status === 'in_review' || !isOver;
}

/** Merged on its forge, so nothing is left to do here but to say so. */
export const canClose = (card: CardSummary): boolean =>
	card.status === 'in_review' && card.pr_state === 'merged';

/** Can one be opened, or another one in place of the one that ended? */
export const canPull = (card: CardSummary, hasForge: boolean): boolean =>
	hasForge &&
	card.status === 'in_review' &&
	Boolean(card.branch_name) &&
	!card.no_changes &&
	(!card.pr_url || card.pr_state === 'closed');
