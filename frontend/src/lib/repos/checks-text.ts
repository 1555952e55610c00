/** A repository's checks as a person writes them: one a line, `name: command`. */

import type { RepoSettings } from '#lib/api/types.ts';

export type Check = RepoSettings['checks'][number];

export const textOf = (checks: readonly Check[]): string =>
	checks.map(({ name, run }) => `${name}: ${run}`).join('\n');

const lines = (text: string) =>
	text
		.split('\n')
		.map((line) => line.trim())
		.filter(Boolean);

/** What is wrong with the text, or null. The server looks again. */
export function problemOf(text: string): string | null {
	const names = new Set<string>();
	for (const line of lines(text)) {
		const [, name] = /^([^:]+):\s*\S/.exec(line) ?? [];
		if (!name) return `“${line}” is not of the form \`name: command\`.`;
		if (names.has(name.trim())) return `“${name.trim()}” is there twice.`;
		names.add(name.trim());
	}
	return null;
}

/** For one that nobody has given a time-out; the server's own. */
const TIMEOUT_S = 600;

/** The checks that a text without problems says; who keeps its name keeps its time-out. */
export function checksOf(text: string, known: readonly Check[]): Check[] {
	return lines(text).map((line) => {
		const colon = line.indexOf(':');
		const name = line.slice(0, colon).trim();
		const timeout_s = known.find((check) => check.name === name)?.timeout_s ?? TIMEOUT_S;
		return { name, run: line.slice(colon + 1).trim(), timeout_s };
	});
}
