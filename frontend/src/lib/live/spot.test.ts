import { expect, it } from 'vitest';
import { spotIn, spotQuery, withSpot, type Spot } from './spot.ts';

const url = new URL('http://x/r/shop/c/7?q=label%3Aui&for=review');

it.each<[Spot, string]>([
	[{ kind: 'entry', jobId: '0198-ab', seq: 12 }, 'entry=0198-ab.12'],
	[{ kind: 'file', path: 'a b/ü&.ts', side: 'new', lines: null }, 'file=a+b%2F%C3%BC%26.ts'],
	[{ kind: 'file', path: 'a', side: 'old', lines: { from: 5, to: 5 } }, 'file=a&side=old&lines=5'],
	[{ kind: 'file', path: 'a', side: 'new', lines: { from: 5, to: 7 } }, 'file=a&lines=5-7'],
])('has an address: %o', (spot, query) => {
	const made = withSpot(url, spot);
	expect(made.search).toBe(`?q=label%3Aui&${query}`);
	expect(spotIn(spotQuery(made))).toEqual(spot);
	expect(spotQuery(withSpot(made, spot))).toBe(spotQuery(made));
});

it('makes nothing of nonsense', () => {
	for (const query of ['', 'entry=x', 'entry=..', 'lines=3']) expect(spotIn(query)).toBeNull();
	for (const lines of ['0', '7-5', 'x', '1-', '-3']) {
		expect(spotIn(`file=a&lines=${lines}`)).toMatchObject({ path: 'a', lines: null });
	}
});
