import { describe, expect, it } from 'vitest';
import { aCard } from '#lib/live/factories.ts';
import { isSameSpot, spotAt } from './placement.ts';

const column = [
	aCard({ id: 'a', position: 0 }),
	aCard({ id: 'b', position: 1024 }),
	aCard({ id: 'c', position: 2048 }),
];

describe('spotAt', () => {
	it('names one neighbour and draws between two', () => {
		expect(spotAt(column, 1, 'x')).toEqual({ placement: { before: 'b' }, position: 512 });
	});
	it('knows the top, the bottom and the empty column', () => {
		expect(spotAt(column, 0, 'x')).toEqual({ placement: { before: 'a' }, position: -1024 });
		expect(spotAt(column, 3, 'x')).toEqual({ placement: { after: 'c' }, position: 3072 });
		expect(spotAt([], 0, 'x')).toEqual({ placement: {}, position: 0 });
	});
	it('does not count the dragged card as its own neighbour', () => {
		expect(spotAt(column, 2, 'b')).toEqual({ placement: { before: 'c' }, position: 1024 });
		expect(spotAt(column, 3, 'c')).toEqual({ placement: { after: 'b' }, position: 2048 });
	});
});

describe('isSameSpot', () => {
	it('is true just before and just after the card itself', () => {
		expect([0, 1, 2, 3].map((index) => isSameSpot(column, index, 'b'))).toEqual([
			false,
			true,
			true,
			false,
		]);
		expect(isSameSpot(column, 1, 'elsewhere')).toBe(false);
	});
});
