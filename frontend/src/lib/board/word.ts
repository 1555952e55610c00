/** What the board says of a card in a few words, and how such words look. */

export type Tone = 'ok' | 'bad' | 'warn' | 'busy' | 'dim';

export interface Word {
	tone: Tone;
	text: string;
	/** More of it, for whoever points at it. */
	title: string;
}

export const LOOK: Record<Tone, string> = {
	ok: 'text-done-text',
	bad: 'text-failed-text',
	warn: 'text-review-text',
	busy: 'text-accent-text',
	dim: 'text-dim',
};
/** Beside the colour, for those who do not see it. */
export const MARK: Record<Tone, string> = { ok: '✓', bad: '✕', warn: '▲', busy: '●', dim: '' };
