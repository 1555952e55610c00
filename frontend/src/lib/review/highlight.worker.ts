/**
 * Colours code away from the page's thread, a few hundred lines at a time. A line comes back as
 * pairs of numbers, length and class (an index into TOKEN_CLASSES).
 */

import {
	createHighlighterCoreSync,
	type GrammarState,
	type LanguageRegistration,
	type ThemeRegistration,
} from 'shiki/core';
import { createJavaScriptRegexEngine } from 'shiki/engine/javascript';
import { COLOUR_OF_CLASS, type WorkerAnswer, type WorkerOrder } from './tokens.ts';

const CHUNK = 250;
const MAX_LINE = 1000;
const SCOPES: Record<(typeof COLOUR_OF_CLASS)[number], string[]> = {
	plain: [],
	comment: ['comment', 'punctuation.definition.comment', 'string.comment'],
	keyword: [
		'keyword',
		'storage',
		'keyword.operator.new',
		'keyword.operator.expression',
		'variable.language',
		'punctuation.definition.keyword',
	],
	string: [
		'string',
		'punctuation.definition.string',
		'markup.inline.raw',
		'constant.character',
		'string.regexp',
	],
	constant: ['constant', 'support.constant', 'variable.other.constant.property'],
	function: ['entity.name.function', 'support.function', 'meta.function-call.generic'],
	type: [
		'entity.name.type',
		'entity.name.class',
		'entity.name.namespace',
		'support.type',
		'support.class',
		'entity.other.inherited-class',
		'entity.other.attribute-name',
	],
	tag: [
		'entity.name.tag',
		'support.type.property-name',
		'meta.object-literal.key',
		'markup.heading',
	],
	punctuation: ['punctuation', 'keyword.operator', 'meta.brace'],
};

const colour = (index: number) => `#0000${index.toString(16).padStart(2, '0')}`;
const theme: ThemeRegistration = {
	name: 'classes',
	type: 'light',
	fg: colour(0),
	bg: '#ffffff',
	settings: COLOUR_OF_CLASS.map((name, index) => ({
		scope: index === 0 ? undefined : SCOPES[name],
		settings: { foreground: colour(index) },
	})),
};

const shiki = createHighlighterCoreSync({
	themes: [theme],
	langs: [],
	engine: createJavaScriptRegexEngine({ forgiving: true }),
});

addEventListener('message', (event: MessageEvent<WorkerOrder>) => {
	const order = event.data;
	if (order.kind === 'language') {
		shiki.loadLanguageSync(order.grammars as LanguageRegistration[]);
		return;
	}
	void colourLines(order.unit, order.language, order.lines);
});

async function colourLines(unit: string, language: string, lines: string[]): Promise<void> {
	let state: GrammarState | undefined;
	for (let start = 0; start < lines.length; start += CHUNK) {
		const chunk = lines.slice(start, start + CHUNK);
		const tokens = shiki.codeToTokensBase(chunk.join('\n'), {
			lang: language,
			theme: 'classes',
			grammarState: state,
			tokenizeMaxLineLength: MAX_LINE,
		});
		state = shiki.getLastGrammarState(tokens);
		const answer: WorkerAnswer = {
			unit,
			start,
			lines: tokens.map((line) =>
				line.flatMap((token) => [
					token.content.length,
					Number.parseInt(token.color?.slice(5) ?? '0', 16),
				]),
			),
		};
		postMessage(answer);
		// Let a more urgent order in between.
		await new Promise((resolve) => setTimeout(resolve));
	}
}
