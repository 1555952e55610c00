/** How the checks of a card in review stand, and where it stands in the merge queue, in the board's words. */

import type { CardSummary } from '#lib/api/types.ts';
import type { Word } from './word.ts';

/** Null where there are none. */
export function checksWord(card: CardSummary): Word | null {
	const checks = card.checks;
	if (!checks) return null;
	if (checks.head_sha !== card.head_sha) {
		return { tone: 'dim', text: 'not checked', title: 'The checks ran on an earlier commit' };
	}
	const all = checks.total === 1 ? '1 check' : `${checks.total} checks`;
	switch (checks.state) {
		case 'queued':
			return { tone: 'busy', text: 'checks wait', title: `${all} wait for a runner` };
		case 'running':
			return { tone: 'busy', text: 'checking', title: `${all} running` };
		case 'passed':
			return { tone: 'ok', text: 'checks passed', title: `${all} passed` };
		case 'failed':
			return { tone: 'bad', text: failedText(checks.failed), title: checks.failed.join('\n') };
		case 'cancelled':
			return { tone: 'dim', text: 'checks stopped', title: 'They say nothing' };
		case 'broken':
			return {
				tone: 'warn',
				text: 'not checked',
				title: 'The checks could not be run to their end',
			};
	}
}

const failedText = (failed: readonly string[]): string =>
	failed.length === 1 ? `${failed[0]} failed` : `${failed.length} checks failed`;

/** Does it wait in the merge queue? */
export const isQueuedToMerge = (card: CardSummary): boolean =>
	card.merge_state !== null && card.merge_state.state !== 'bounced';

/** What an approved card waits for, or why it was not merged; null when nobody approved it. */
export function queueWord(card: CardSummary): Word | null {
	const state = card.merge_state;
	switch (state?.state) {
		case 'queued':
			return { tone: 'busy', text: 'approved', title: 'It waits for its turn in the merge queue' };
		case 'checking':
			return state.together.length
				? {
						tone: 'busy',
						text: `testing with ${named(state.together)}`,
						title: 'Approved: they are merged together when their checks have passed',
					}
				: { tone: 'busy', text: 'approved', title: 'It is merged when its checks have passed' };
		case 'bounced':
			return { tone: 'bad', text: 'not merged', title: state.detail ?? '' };
		default:
			return null;
	}
}

const NAMED = 3;

/** The first few of these cards, and how many more there are. */
function named(numbers: readonly number[]): string {
	const some = numbers.slice(0, NAMED).map((number) => `#${number}`);
	const more = numbers.length - some.length;
	return more ? `${some.join(', ')} and ${more} more` : some.join(', ');
}
