/** Which part of a card's changes can be looked at, as a menu. Pure. */

import type { Round } from '#lib/api/types.ts';
import type { MenuItem } from '#lib/ui/Menu.svelte';
import type { Range } from './changes.svelte.ts';

interface Choices {
	changes: { range: Range; rounds: readonly Round[] };
	reviewedSha: string | null;
	headSha: string | null;
}

export const rangeName = (range: Range): string =>
	range === 'all' ? 'All changes' : range === 'since' ? 'Since your review' : `Round ${range}`;

export function rangesOf(choices: Choices, choose: (range: Range) => void): MenuItem[] {
	const { reviewedSha, headSha } = choices;
	const { range, rounds } = choices.changes;
	const item = (to: Range, detail: string): MenuItem => ({
		label: rangeName(to),
		detail,
		checked: to === range,
		run: () => choose(to),
	});
	const items = [item('all', 'What approving brings into the base')];
	if (range === 'since' || (reviewedSha !== null && reviewedSha !== headSha)) {
		items.push(item('since', 'What came after the commit that you reviewed'));
	}
	if (rounds.length > 1) {
		items.push(...rounds.map((round) => item(round.number, about(round))).reverse());
	}
	return items;
}

/** What was asked of a round, and what is special about it. */
function about(round: Round): string {
	const { comments, message, before_sha: before, after_sha: after } = round;
	const said: string[] = [];
	if (comments.length > 0)
		said.push(`${comments.length} comment${comments.length === 1 ? '' : 's'}`);
	if (message) said.push(firstWords(message));
	if (after === null) said.push('at work');
	else if (after === before) said.push('no changes');
	if (round.base_moved) said.push('the base came in');
	return said.join(' · ') || (round.number === 1 ? 'The card' : 'Continued');
}

const LONGEST = 48;

function firstWords(message: string): string {
	const line = message.trim().split('\n', 1)[0] ?? '';
	return line.length > LONGEST ? `${line.slice(0, LONGEST).trimEnd()}…` : line;
}
