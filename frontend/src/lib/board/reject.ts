/** Rejecting asks once: the card leaves review, and only another round brings it back there. */

import type { CardSummary } from '#lib/api/types.ts';
import { questions } from '#lib/ui/question.svelte.ts';

/** True for those that failed, which only go back to where they came from, and when the person agrees. */
export function mayReject(cards: readonly CardSummary[], name: string): Promise<boolean> {
	if (!cards.some((card) => card.status === 'in_review')) return Promise.resolve(true);
	return questions.ask({
		title: `Reject ${name}?`,
		text:
			cards.length === 1
				? 'It goes back to To Do without being merged. Its branch and its last commit are kept, and starting it goes on from there.'
				: 'They go back to To Do without being merged. Their branches and last commits are kept, and starting one goes on from there.',
		verb: 'Reject',
	});
}
