/** Blocks of a comment that say what its lines should become, letter by letter. Pure. */

import type { FileDiff } from './types.ts';

export type Part = { kind: 'text'; text: string } | { kind: 'suggestion'; lines: string[] };

const BLOCK = /^(`{3,})suggestion[ \t]*\n([\s\S]*?)^\1`*[ \t]*$/gm;

/** A comment's words and suggestions, in their order. */
export function partsOf(body: string): Part[] {
	const parts: Part[] = [];
	let from = 0;
	const say = (text: string) => {
		if (text.trim() !== '') parts.push({ kind: 'text', text: text.trim() });
	};
	for (const found of body.matchAll(BLOCK)) {
		say(body.slice(from, found.index));
		const text = found[2] ?? '';
		parts.push({ kind: 'suggestion', lines: text === '' ? [] : text.slice(0, -1).split('\n') });
		from = found.index + found[0].length;
	}
	say(body.slice(from));
	return parts;
}

/** What the comment's lines should become, each with its newline; null when it suggests nothing. */
export function suggestionIn(body: string): string | null {
	const found = partsOf(body).find((part) => part.kind === 'suggestion');
	return found?.kind === 'suggestion' ? found.lines.map((line) => `${line}\n`).join('') : null;
}

/** The comment with a block in which these lines can be changed. */
export function withSuggestion(body: string, lines: readonly string[]): string {
	const longest = Math.max(2, ...lines.map((line) => /^`*/.exec(line)?.[0].length ?? 0));
	const fence = '`'.repeat(longest + 1);
	const before = body.trim() === '' ? '' : `${body.trimEnd()}\n\n`;
	return `${before}${[`${fence}suggestion`, ...lines, fence].join('\n')}\n`;
}

/** These lines of the new file, where the change shows all of them. */
export function linesAt(file: FileDiff | undefined, start: number, end: number): string[] | null {
	for (const hunk of file?.hunks ?? []) {
		if (start < hunk.new_start || end >= hunk.new_start + hunk.new_lines) continue;
		const lines = hunk.lines.filter(([origin]) => origin === ' ' || origin === '+');
		return lines
			.slice(start - hunk.new_start, end - hunk.new_start + 1)
			.map(([, text]) => text.replace(/\r$/, ''));
	}
	return null;
}
