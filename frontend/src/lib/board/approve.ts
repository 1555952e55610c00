/** Approving: only what was seen, and only what merges. */

import type { CardSummary } from '#lib/api/types.ts';
import { toast } from '#lib/ui/toast.svelte.ts';
import type { ReviewState, Sheet } from './sheet.svelte.ts';

/** Why the button cannot be pressed now, or null. The server decides again. */
export function whyNotApprove(card: CardSummary, review: ReviewState): string | null {
	if (!review.headSha) return 'Look at the changes first: what you have seen is what is merged.';
	if (card.live?.mergeable === false) return 'The branch conflicts with its base. Request changes.';
	return null;
}

export async function approveAndClose(
	card: CardSummary,
	sheet: Sheet,
	review: ReviewState,
	close: () => void,
): Promise<void> {
	if (whyNotApprove(card, review) || !(await sheet.approve(review))) return;
	const sha = sheet.detail?.merged_sha;
	void toast(sha ? `Merged #${card.number} as ${sha.slice(0, 7)}.` : `Closed #${card.number}.`, {
		tone: 'ok',
	});
	close();
}
