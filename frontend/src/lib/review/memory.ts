/** What this browser remembers of a review, so that a reload loses nothing. One key per card. */

import type { Draft, FileDiff } from './types.ts';

export interface Remembered {
	drafts: Draft[];
	/** Path to the fingerprint of the change that was seen. */
	viewed: Record<string, string>;
	/** The commit that was reviewed when changes were last requested. */
	reviewedSha: string | null;
}

type Store = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> | null;

const key = (cardId: string) => `lazyaf.review.${cardId}`;
const NOTHING: Remembered = { drafts: [], viewed: {}, reviewedSha: null };

export function recall(store: Store, cardId: string): Remembered {
	try {
		const text = store?.getItem(key(cardId));
		if (!text) return structuredClone(NOTHING);
		return { ...structuredClone(NOTHING), ...(JSON.parse(text) as Partial<Remembered>) };
	} catch {
		return structuredClone(NOTHING); // storage is off or holds something else
	}
}

export function remember(store: Store, cardId: string, what: Remembered): void {
	try {
		const empty =
			what.drafts.length === 0 && !what.reviewedSha && Object.keys(what.viewed).length === 0;
		if (empty) store?.removeItem(key(cardId));
		else store?.setItem(key(cardId), JSON.stringify(what));
	} catch {
		// Storage is full or off: the tab still has it.
	}
}

/**
 * A short name for a file's change. A mark of a seen file holds while its change stays the same,
 * whatever other commits come; without hunks its objects say whether it is the same.
 */
export function fingerprint(file: FileDiff): string {
	if (file.hunks.length === 0) {
		return [file.old, file.new].map((side) => (side ? `${side.mode}${side.id}` : '')).join('.');
	}
	let hash = 0x811c9dc5; // FNV-1a, 32 bits
	for (const hunk of file.hunks) {
		for (const [origin, text] of hunk.lines) {
			for (let i = -1; i < text.length; i++) {
				hash ^= i < 0 ? origin.charCodeAt(0) : text.charCodeAt(i);
				hash = Math.imul(hash, 0x01000193);
			}
		}
	}
	return `${file.additions}.${file.deletions}.${(hash >>> 0).toString(36)}`;
}

export type DiffLayout = 'unified' | 'split';
const LAYOUT = 'lazyaf.diff.layout';

export function recallLayout(): DiffLayout {
	try {
		return localStorage.getItem(LAYOUT) === 'split' ? 'split' : 'unified';
	} catch {
		return 'unified';
	}
}

export function rememberLayout(layout: DiffLayout): DiffLayout {
	try {
		localStorage.setItem(LAYOUT, layout);
	} catch {
		// Storage is off: for this tab only.
	}
	return layout;
}
