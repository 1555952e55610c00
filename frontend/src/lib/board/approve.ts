/** Approving: only what was seen, and only what merges. */

import type { CardSummary, MergeMethod } from '#lib/api/types.ts';
import { MERGE_METHODS } from '#lib/live/merge-methods.ts';
import type { MenuItem } from '#lib/ui/Menu.svelte';
import { toast } from '#lib/ui/toast.svelte.ts';
import { isQueuedToMerge } from './checks-state.ts';
import type { ReviewState, Sheet } from './sheet.svelte.ts';

/** Nothing is on its branch, so approving merges nothing: it only closes the card. */
export const hasNothing = (card: CardSummary): boolean => card.no_changes && !card.live?.files;

/** What the command is called for this card. */
export const approveLabel = (card: CardSummary): string =>
	hasNothing(card) ? 'Close card' : 'Approve and merge';

/** Why the button cannot be pressed now, or null. The server decides again. */
export function whyNotApprove(card: CardSummary, review: ReviewState): string | null {
	if (isQueuedToMerge(card)) return 'It is approved, and waits to be merged.';
	if (hasNothing(card)) return null; // nothing is merged, so nothing has to be seen
	if (!review.headSha) {
		return review.loading
			? 'The changes are being read.'
			: 'Look at the changes first: what you have seen is what is merged.';
	}
	if (review.moved) return 'The branch has moved since you looked. Load the new commits first.';
	if (card.live?.mergeable === false)
		return 'The branch conflicts with its base. Resolve that first.';
	return null;
}

/** The ways to merge this once, the repository's usual one marked; none can be chosen while approving cannot. */
export const approveMenu = (
	usual: MergeMethod,
	reason: string | null,
	approve: (method: MergeMethod) => void,
): MenuItem[] =>
	MERGE_METHODS.map(({ method, verb, detail }) => ({
		label: verb,
		detail: method === usual ? `${detail}. Usual here.` : detail,
		checked: method === usual,
		disabled: reason !== null,
		run: () => approve(method),
	}));

/** What has become of the comments that were sent; null when nothing waits. */
export function notSettled({ unresolved }: ReviewState): string | null {
	const open = unresolved.filter(({ state }) => state === 'open').length;
	if (open > 0) return `${open} open comment${open === 1 ? '' : 's'}`;
	return unresolved.length > 0 ? `${unresolved.length} not resolved` : null;
}

/** What is asked once before approving. */
export function question({ comments, unresolved }: ReviewState): { title: string; text: string } {
	const count = (n: number) => (n === 1 ? 'comment' : `${n} comments`);
	const of = (state: string) => unresolved.filter((comment) => comment.state === state).length;
	const parts = (['open', 'outdated', 'answered'] as const)
		.filter((state) => of(state) > 0)
		.map((state) => `${of(state)} ${state}`);
	const left = `Not resolved: ${parts.join(', ')}.`;
	if (comments.length > 0) {
		const them = comments.length === 1 ? 'it' : 'them';
		const drafts = `The agent has not seen ${them}. Send changes first if they matter; otherwise they stay in this browser.`;
		return {
			title: `Approve without sending your ${count(comments.length)}?`,
			text: parts.length > 0 ? `${drafts} ${left}` : drafts,
		};
	}
	const all = unresolved.length === 1 ? 'a comment' : count(unresolved.length);
	const text = `${left} They stay on the card, and can be resolved afterwards.`;
	return { title: `Approve with ${all} not resolved?`, text };
}

/**
 * With comments that were not sent, or that nobody has resolved, it asks once; `regardless` is the answer. `method` is another than
 * the repository's usual one.
 */
export async function approveAndClose(
	card: CardSummary,
	sheet: Sheet,
	review: ReviewState,
	close: () => void,
	regardless = false,
	method?: MergeMethod,
): Promise<void> {
	if (whyNotApprove(card, review)) return;
	if (review.comments.length > 0 && !regardless) {
		sheet.asking = { method };
		return;
	}
	if (!(await sheet.approve(review, method, regardless))) return;
	const done = sheet.detail;
	if (done?.merge_state?.state === 'bounced') return; // the sheet says why
	if (done?.merge_state) {
		const detail = 'It is merged when its turn has come and its checks have passed.';
		void toast(`Approved #${card.number}.`, { tone: 'ok', detail });
		close();
		return;
	}
	const sha = done?.merged_sha;
	void toast(sha ? `Merged #${card.number} as ${sha.slice(0, 7)}.` : `Closed #${card.number}.`, {
		tone: 'ok',
	});
	close();
}
