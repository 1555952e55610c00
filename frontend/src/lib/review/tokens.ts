/** What the page and the highlighter's worker say to each other, and how coloured text is cut. Pure. */

export const COLOUR_OF_CLASS = [
	'plain',
	'comment',
	'keyword',
	'string',
	'constant',
	'function',
	'type',
	'tag',
	'punctuation',
] as const;

export type WorkerOrder =
	| { kind: 'language'; grammars: unknown[] }
	| { kind: 'lines'; unit: string; language: string; lines: string[] };

/** Lines of a unit from `start` on; each a run of (length, class) pairs. */
export interface WorkerAnswer {
	unit: string;
	start: number;
	lines: number[][];
}

export interface Segment {
	text: string;
	/** Index into COLOUR_OF_CLASS. */
	token: number;
	changed: boolean;
}

/** Cut a line where its colour or its being changed begins and ends. */
export function segments(
	text: string,
	tokens: readonly number[] | null,
	changed: readonly [number, number] | null,
): Segment[] {
	const runs = tokens ?? [text.length, 0];
	const [from, to] = changed ?? [0, 0];
	const parts: Segment[] = [];
	let at = 0;
	const cut = (end: number, token: number) => {
		if (end > at) {
			parts.push({
				text: text.slice(at, end),
				token,
				changed: at >= from && end <= to && to > from,
			});
			at = end;
		}
	};
	for (let i = 0; i < runs.length; i += 2) {
		const end = Math.min(text.length, at + (runs[i] ?? 0));
		const token = runs[i + 1] ?? 0;
		for (const edge of [from, to]) if (edge > at && edge < end) cut(edge, token);
		cut(end, token);
	}
	cut(text.length, 0);
	return parts;
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** A line as HTML: its text is escaped, its classes are `t0`… by COLOUR_OF_CLASS and `changed`. */
export function lineHtml(
	text: string,
	tokens: readonly number[] | null,
	changed: readonly [number, number] | null,
): string {
	return segments(text, tokens, changed)
		.map((part) => {
			const inner = part.text.replace(/[&<>]/g, (sign) => ESCAPES[sign] ?? sign);
			if (part.token === 0 && !part.changed) return inner;
			return `<span class="t${part.token}${part.changed ? ' changed' : ''}">${inner}</span>`;
		})
		.join('');
}
