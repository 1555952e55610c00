/**
 * What a person has looked at and written about one card's changes, before it is sent.
 *
 * Changes.svelte fills it; the card sheet's action bar reads it: approving sends the commit that
 * was really seen, requesting changes sends the drafted comments.
 */
export interface ReviewComment {
	path: string;
	line: number;
	body: string;
}

export class ReviewController {
	/** The head commit whose diff is on the screen; null until a diff was shown. */
	headSha = $state<string | null>(null);
	comments = $state<ReviewComment[]>([]);

	clear(): void {
		this.comments = [];
	}
}
