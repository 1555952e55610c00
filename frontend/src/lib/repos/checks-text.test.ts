import { expect, it } from 'vitest';
import { checksOf, problemOf, textOf } from './checks-text.ts';

const KNOWN = [{ name: 'tests', run: 'npm test', timeout_s: 120 }];

it('writes a check a line and reads it back', () => {
	expect(textOf(KNOWN)).toBe('tests: npm test');
	expect(checksOf(textOf(KNOWN), KNOWN)).toEqual(KNOWN);
	expect(checksOf(' lint :  make: lint \n\ntests: make', KNOWN)).toEqual([
		{ name: 'lint', run: 'make: lint', timeout_s: 600 },
		{ name: 'tests', run: 'make', timeout_s: 120 },
	]);
	expect(checksOf('', KNOWN)).toEqual([]);
});

it.each([
	['npm test', 'name: command'],
	[': npm test', 'name: command'],
	['tests:', 'name: command'],
	['a: x\na: y', 'twice'],
])('says what is wrong with %j', (text, why) => {
	expect(problemOf(text)).toContain(why);
});

it('finds nothing wrong with what is right', () => {
	expect(problemOf('')).toBeNull();
	expect(problemOf('tests: npm test\nlint: make lint')).toBeNull();
});
