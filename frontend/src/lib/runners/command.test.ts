import { describe, expect, it } from 'vitest';
import { filledIn, labelsIn, nameProblem } from './command.ts';

const COMMAND = 'TOKEN=<token> lazyaf runner --name <name> --label <label>';
const made = (changes: object) => ({ name: 'workshop', token: 't', labels: [], ...changes });

describe('filledIn', () => {
	it('leaves the placeholders until a token was made', () => {
		expect(filledIn(COMMAND, null)).toBe(COMMAND);
	});

	it('puts the token, the name and every label in', () => {
		expect(filledIn(COMMAND, made({ token: 't$&0', labels: ['gpu', 'big box'] }))).toBe(
			"TOKEN=t$&0 lazyaf runner --name workshop --label gpu --label 'big box'",
		);
	});

	it('leaves the label out when there is none', () => {
		expect(filledIn(COMMAND, made({}))).toBe('TOKEN=t lazyaf runner --name workshop');
	});

	it('keeps a name with spaces or quotes one word', () => {
		expect(filledIn('<name>', made({ name: "Ada's box" }))).toBe(`'Ada'\\''s box'`);
	});
});

describe('nameProblem', () => {
	it('takes what the server takes', () => {
		for (const name of ['workshop', 'a', '9-b_c.d', 'x'.repeat(64)]) {
			expect(nameProblem(name)).toBeNull();
		}
		for (const name of ['', "Ada's box", '-a', 'x'.repeat(65), 'ä']) {
			expect(nameProblem(name)).toMatch('Letters');
		}
	});
});

describe('labelsIn', () => {
	it('takes commas and spaces, and each label once', () => {
		expect(labelsIn(' gpu, big  gpu,')).toEqual(['gpu', 'big']);
	});
});
