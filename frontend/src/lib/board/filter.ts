/**
 * The filter box's language: words that must all occur, `#12`, and `label:` `agent:` `status:` `repo:`
 * with a value (in quotes when it has spaces). Several values of one key are alternatives.
 * `is:archived` looks into the archive instead of the board.
 */

import { STATUSES, type CardStatus, type CardSummary } from '#lib/api/types.ts';

export interface Filter {
	words: string[];
	numbers: number[];
	labels: string[];
	agents: string[];
	statuses: CardStatus[];
	repos: string[];
	archived: boolean;
}

const TOKEN = /(?:(label|agent|status|repo|is):)?(?:"([^"]*)"?|(\S+))/gi;

export function parseFilter(text: string): Filter {
	const filter: Filter = {
		words: [],
		numbers: [],
		labels: [],
		agents: [],
		statuses: [],
		repos: [],
		archived: false,
	};
	for (const [, key, quoted, bare] of text.matchAll(TOKEN)) {
		const value = (quoted ?? bare ?? '').toLowerCase();
		if (!value) continue;
		if (key) read(filter, key.toLowerCase(), value);
		else if (/^#\d+$/.test(value)) filter.numbers.push(Number(value.slice(1)));
		else if (!/^(label|agent|status|repo|is):$/.test(value)) filter.words.push(value);
	}
	return filter;
}

function read(filter: Filter, key: string, value: string): void {
	if (key === 'label') filter.labels.push(value);
	else if (key === 'agent') filter.agents.push(value);
	else if (key === 'repo') filter.repos.push(value);
	else if (key === 'status') filter.statuses.push(...statusesNamed(value));
	else filter.archived ||= value.length > 2 && 'archived'.startsWith(value);
}

/** `review`, `in-review` and `in_review` are one status; `in` is two. */
function statusesNamed(value: string): CardStatus[] {
	const plain = value.replace(/[-\s]/g, '_');
	return STATUSES.filter((status) => status === plain || status.split('_').includes(plain));
}

export function isEmpty(filter: Filter): boolean {
	return Object.values(filter).every((part: unknown[] | boolean) =>
		Array.isArray(part) ? part.length === 0 : !part,
	);
}

/** `repoName`: of the card's repository. Whether it is archived is not looked at here. */
export function matches(filter: Filter, card: CardSummary, repoName = ''): boolean {
	const { words, numbers, labels, agents, statuses, repos } = filter;
	if (repos.length && !repos.includes(repoName.toLowerCase())) return false;
	if (numbers.length && !numbers.includes(card.number)) return false;
	if (statuses.length && !statuses.includes(card.status)) return false;
	if (agents.length && !agents.includes((card.agent ?? '').toLowerCase())) return false;
	if (labels.length) {
		const own = card.labels.map((label) => label.toLowerCase());
		if (!labels.some((label) => own.includes(label))) return false;
	}
	if (words.length) {
		const text = `#${card.number} ${card.title} ${card.labels.join(' ')}`.toLowerCase();
		if (!words.every((word) => text.includes(word))) return false;
	}
	return true;
}
