/** How the checks of a default branch stand, in the words of the bar above and of the list of branches. */

import type { DefaultChecks } from '#lib/api/types.ts';

export interface BranchWord {
	color: string;
	/** Something is going on. */
	isBusy: boolean;
	isRed: boolean;
	text: string;
	/** More of it, for whoever points at it. */
	title: string;
}

const IDLE = { isBusy: false, isRed: false };

/** Null where the repository has no checks. */
export function branchWord(checks: DefaultChecks | null): BranchWord | null {
	if (!checks) return null;
	const at = `${checks.branch} at ${checks.sha.slice(0, 7)}`;
	const isRed = checks.red_since !== null;
	const busy = { color: isRed ? 'var(--failed)' : 'var(--progress)', isBusy: true, isRed };
	const before = isRed ? ' It was red before.' : '';
	switch (checks.state) {
		case 'passed':
			return {
				...IDLE,
				color: 'var(--done)',
				text: 'green',
				title: `${at} has passed its checks.`,
			};
		case 'failed':
			return {
				color: 'var(--failed)',
				isBusy: false,
				isRed: true,
				text: `red: ${failedText(checks.failed)}`,
				title: `${at} does not pass its checks: ${checks.failed.join(', ')}.`,
			};
		case 'queued':
			return { ...busy, text: 'checks wait', title: `${at} waits for its checks.${before}` };
		case 'running':
			return { ...busy, text: 'checking', title: `${at} is being checked.${before}` };
		default:
			return {
				isBusy: false,
				isRed,
				color: isRed ? 'var(--failed)' : 'var(--todo)',
				text: isRed ? 'red before, not checked' : 'not checked',
				title: `${NOTHING_KNOWN[checks.state ?? 'unknown']} ${at}.${before}`,
			};
	}
}

const NOTHING_KNOWN = {
	broken: 'The checks could not be run to their end on',
	cancelled: 'The checks were stopped on',
	unknown: 'No checks have run on',
};

const failedText = (failed: readonly string[]): string =>
	failed.length === 1 ? `${failed[0]} failed` : `${failed.length} checks failed`;
