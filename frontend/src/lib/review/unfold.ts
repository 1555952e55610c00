/** A file's hunks with more of the unchanged lines around them. Pure. */

import type { FileDiff, Hunk, Origin } from './types.ts';

/** Lines of the new file, both ends included, counted from 1. */
export interface Span {
	from: number;
	to: number;
}

/** Lines that one step shows. */
export const STEP = 20;

/** What is left out before each hunk, and after the last; null where nothing is. */
export function gapsOf(file: FileDiff, total: number | null): (Span | null)[] {
	const gaps: (Span | null)[] = [];
	let next = 1;
	for (const hunk of file.hunks) {
		gaps.push(span(next, startOf(hunk) - 1));
		next = after(hunk);
	}
	gaps.push(span(next, total ?? (mayGoOn(file) ? Infinity : 0)));
	return gaps;
}

const span = (from: number, to: number): Span | null => (from <= to ? { from, to } : null);
const after = (hunk: Hunk) => startOf(hunk) + hunk.new_lines;
/** The place of a hunk without new lines is that of the line before it. */
const startOf = (hunk: Hunk) => hunk.new_start + (hunk.new_lines === 0 ? 1 : 0);

/** git gives three unchanged lines after a change; where there are fewer the file is at its end. */
function mayGoOn(file: FileDiff): boolean {
	if (!file.old || !file.new) return false;
	const lines = file.hunks.at(-1)?.lines.slice(-3) ?? [];
	return lines.length === 3 && lines.every(([origin]) => origin === ' ');
}

/** A way to show lines of a gap: all of them, or the first ones after what is above, or the last before what is below. */
export interface Way {
	kind: 'all' | 'down' | 'up';
	span: Span;
}

export function waysInto(gap: Span, above: boolean, below: boolean): Way[] {
	const all: Way = { kind: 'all', span: gap };
	if (gap.to - gap.from < STEP) return [all];
	const down: Way = { kind: 'down', span: { from: gap.from, to: gap.from + STEP - 1 } };
	const up: Way = { kind: 'up', span: { from: gap.to - STEP + 1, to: gap.to } };
	return [...(above ? [down] : []), ...(below ? [up] : []), all];
}

/** The file with these lines of its new content shown, too; what touches becomes one hunk. */
export function unfolded(
	file: FileDiff,
	content: readonly string[],
	spans: readonly Span[],
): FileDiff {
	const gaps = gapsOf(file, content.length);
	const hunks: Hunk[] = [];
	/** How much further a line stands in the new file than in the old one. */
	let shift = 0;
	const add = (made: Hunk) => {
		const last = hunks.at(-1);
		if (last && after(last) === startOf(made)) hunks[hunks.length - 1] = joined(last, made);
		else hunks.push(made);
	};
	for (const [index, gap] of gaps.entries()) {
		for (const shown of gap ? within(spans, gap) : []) add(plain(content, shown, shift));
		const hunk = file.hunks[index];
		if (!hunk) continue;
		add(hunk);
		shift = after(hunk) - (oldStart(hunk) + hunk.old_lines);
	}
	return { ...file, hunks };
}

const oldStart = (hunk: Hunk) => hunk.old_start + (hunk.old_lines === 0 ? 1 : 0);

/** The parts of the spans that are in the gap, in order, without overlaps. */
function within(spans: readonly Span[], gap: Span): Span[] {
	const found: Span[] = [];
	for (const each of spans.toSorted((a, b) => a.from - b.from)) {
		const from = Math.max(each.from, gap.from, (found.at(-1)?.to ?? 0) + 1);
		const to = Math.min(each.to, gap.to);
		if (from <= to) found.push({ from, to });
	}
	return found;
}

function plain(content: readonly string[], { from, to }: Span, shift: number): Hunk {
	const lines = content.slice(from - 1, to).map((text): [Origin, string] => [' ', text]);
	const count = lines.length;
	return {
		header: '',
		old_start: from - shift,
		old_lines: count,
		new_start: from,
		new_lines: count,
		lines,
	};
}

function joined(before: Hunk, hunk: Hunk): Hunk {
	return {
		header: before.header,
		old_start: oldStart(before),
		old_lines: before.old_lines + hunk.old_lines,
		new_start: startOf(before),
		new_lines: before.new_lines + hunk.new_lines,
		lines: [...before.lines, ...hunk.lines],
	};
}

/** A file's text as its lines; the last may be without a newline. */
export function linesOfText(text: string): string[] {
	const lines = text.split('\n');
	if (lines.at(-1) === '') lines.pop();
	return lines;
}
