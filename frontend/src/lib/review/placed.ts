/** Where comments stand in the diff that is shown. Pure. */

import type { ReviewComment } from '#lib/api/types.ts';
import { hasOldLines, isOn } from './drafts.svelte.ts';
import type { Diff, Draft } from './types.ts';

/** A sent comment beneath its line of one side; `line` is null where that is not in what is shown. */
export interface PlacedComment {
	comment: ReviewComment;
	path: string;
	side: Draft['side'];
	line: number | null;
}

/** What is shown: its head is the branch's tip, and, when it is `whole`, its base the card's. */
export interface Shown {
	diff: Diff;
	isTip: boolean;
	whole: boolean;
}

export function placedIn(comments: readonly ReviewComment[], shown: Shown | null): PlacedComment[] {
	return comments.map((comment) => {
		const place = shown ? placeOf(comment, shown) : null;
		const path = place?.path ?? comment.at?.path ?? comment.path;
		const side = place && !place.isNew ? 'old' : comment.side;
		return { comment, path, side, line: place?.line ?? null };
	});
}

interface Place {
	path: string;
	line: number | null;
	isNew: boolean;
}

function placeOf(comment: ReviewComment, { diff, isTip, whole }: Shown): Place | null {
	const on = (place: { path: string; line: number | null } | null, isNew: boolean) =>
		place && { path: place.path, line: place.line, isNew };
	if (comment.side === 'old') {
		if (whole) return on(comment.at, false);
		return hasOldLines(diff) && comment.base_sha === diff.base_sha ? on(comment, false) : null;
	}
	if (comment.head_sha === diff.head_sha) return on(comment, true);
	if (isTip && comment.at) return on(comment.at, true);
	// Its line was changed by what is shown: it stands where the line was.
	return !whole && hasOldLines(diff) && comment.head_sha === diff.base_sha
		? on(comment, false)
		: null;
}

/** Drafts of this diff as they are; those of another without a line here. */
export const draftsIn = (drafts: readonly Draft[], diff: Diff | null): Draft[] =>
	drafts.map((draft) => (isOn(draft, diff) ? draft : { ...draft, line: -1 }));
