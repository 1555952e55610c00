import { describe, expect, it } from 'vitest';
import { filledIn } from './command.ts';

const COMMAND = 'TOKEN=<token> lazyaf runner --name <name>';

describe('filledIn', () => {
	it('leaves the placeholders until a token was made', () => {
		expect(filledIn(COMMAND, null)).toBe(COMMAND);
	});

	it('puts the token and the name in', () => {
		expect(filledIn(COMMAND, { name: 'workshop', token: 't$&0' })).toBe(
			'TOKEN=t$&0 lazyaf runner --name workshop',
		);
	});

	it('keeps a name with spaces or quotes one word', () => {
		expect(filledIn('<name>', { name: "Ada's box", token: 't' })).toBe(`'Ada'\\''s box'`);
	});
});
