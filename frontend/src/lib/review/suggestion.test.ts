import { expect, it } from 'vitest';
import { file } from './factories.ts';
import { linesAt, partsOf, suggestionIn, withSuggestion } from './suggestion.ts';

it('is found between the words of a comment', () => {
	const body = 'Rather:\n\n```suggestion\nconst a = 1;\n\n```\n\nas below.';
	expect(partsOf(body)).toEqual([
		{ kind: 'text', text: 'Rather:' },
		{ kind: 'suggestion', lines: ['const a = 1;', ''] },
		{ kind: 'text', text: 'as below.' },
	]);
	expect(suggestionIn(body)).toBe('const a = 1;\n\n');
});

it('may take the lines away, and need not be there', () => {
	expect(suggestionIn('```suggestion\n```')).toBe('');
	expect(suggestionIn('```suggestion\n\n```')).toBe('\n');
	expect(suggestionIn('```ts\nx\n```')).toBeNull();
	expect(suggestionIn('Say ```suggestion``` here')).toBeNull();
});

it('begins with the lines as they are, whatever is in them', () => {
	for (const lines of [['a'], [], [''], ['```', '````js', 'x']]) {
		const body = withSuggestion('Rather this:', lines);
		expect(suggestionIn(body)).toBe(lines.map((line) => `${line}\n`).join(''));
		expect(body.startsWith('Rather this:\n\n')).toBe(true);
	}
	expect(withSuggestion('', ['a'])).toBe('```suggestion\na\n```\n');
});

it('knows the lines that the change shows', () => {
	const shown = file('a.ts', [' one', '-two', '+2\r', ' three']);
	expect(linesAt(shown, 10, 11)).toEqual(['one', '2']);
	expect(linesAt(shown, 12, 12)).toEqual(['three']);
	expect(linesAt(shown, 12, 13)).toBeNull();
	expect(linesAt(undefined, 1, 1)).toBeNull();
});
