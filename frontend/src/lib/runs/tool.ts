/** What a folded tool call says about itself: its icon's name and the facts at its right. Pure. */

import { countLines, toolPath, type ToolRow } from './rows.ts';
import { between, count, firstLine, took } from './words.ts';

export type ToolShape =
	'terminal' | 'read' | 'edit' | 'search' | 'web' | 'agent' | 'list' | 'other';

const SHAPES: [RegExp, ToolShape][] = [
	[/^(bash|shell|exec|terminal|run)/i, 'terminal'],
	[/^(read|cat|view|open|notebookread)/i, 'read'],
	[/^(edit|write|multiedit|notebookedit|apply_?patch|create|str_replace)/i, 'edit'],
	[/^(grep|glob|search|ls|find|list_)/i, 'search'],
	[/^web/i, 'web'],
	[/^(task|agent)/i, 'agent'],
	[/^todo/i, 'list'],
];

export function toolShape(name: string | null | undefined): ToolShape {
	return SHAPES.find(([pattern]) => pattern.test(name ?? ''))?.[1] ?? 'other';
}

export interface ToolFacts {
	additions: number;
	deletions: number;
	/** A duration or a number of lines; empty when there is nothing worth saying. */
	note: string;
}

export function toolFacts(row: ToolRow): ToolFacts {
	const { additions = 0, deletions = 0 } = row.result?.detail ?? {};
	const facts: ToolFacts = { additions, deletions, note: '' };
	if (!row.result || additions + deletions > 0) return facts;
	const shape = toolShape(row.call?.name);
	const ms = between(row.call?.at ?? null, row.result.at);
	const lines = countLines(row.result.text);
	if (shape === 'read' || shape === 'search') facts.note = lines > 0 ? count(lines, 'line') : '';
	else if (ms !== null && ms >= 100) facts.note = took(ms);
	return facts;
}

/** The line after the tool's name: what the agent said, a path, or what came of a call that is not held. */
export function toolSummary(row: ToolRow): string {
	const text = firstLine((row.call ?? row.result)?.text ?? '').line;
	if (text) return text;
	return toolPath(row.call) ?? '';
}

/** A tool's arguments, when its summary does not already say all of them. */
export function toolInput(row: ToolRow): string | null {
	const input = row.call?.input;
	if (!input) return null;
	const command = input['command'];
	if (typeof command === 'string') return command.includes('\n') ? command : null;
	const shape = toolShape(row.call?.name);
	if (shape === 'read' || (shape === 'edit' && row.result?.detail?.patch)) return null;
	if (Object.keys(input).length === 0) return null;
	return JSON.stringify(input, null, 2);
}
