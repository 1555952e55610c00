import { describe, expect, it } from 'vitest';
import { aCard } from '#lib/live/factories.ts';
import { isEmpty, matches, parseFilter } from './filter.ts';

const finds = (text: string, fields: Parameters<typeof aCard>[0] = {}) =>
	matches(parseFilter(text), aCard(fields));

describe('parseFilter', () => {
	it('reads words, numbers and keys', () => {
		expect(parseFilter('guest CART #12 label:"needs design" agent:claude status:review')).toEqual({
			words: ['guest', 'cart'],
			numbers: [12],
			labels: ['needs design'],
			agents: ['claude'],
			statuses: ['in_review'],
			repos: [],
			archived: false,
		});
	});

	it('is empty for nothing, and for a key whose value is still to be typed', () => {
		expect(isEmpty(parseFilter('  '))).toBe(true);
		expect(isEmpty(parseFilter('label:'))).toBe(true);
	});

	it('looks into the archive when it is asked to', () => {
		expect(parseFilter('is:archived repo:Shop')).toMatchObject({ archived: true, repos: ['shop'] });
		expect(parseFilter('is:open')).toMatchObject({ archived: false, words: [] });
		expect(isEmpty(parseFilter('is:archived'))).toBe(false);
		expect(isEmpty(parseFilter('is:'))).toBe(true);
	});

	it('knows a status by its parts', () => {
		expect(parseFilter('status:in-progress').statuses).toEqual(['in_progress']);
		expect(parseFilter('status:failed').statuses).toEqual(['failed']);
	});
});

describe('matches', () => {
	it('wants every word, in the title, the labels or the number', () => {
		expect(finds('ship est', { title: 'Show the shipping estimate' })).toBe(true);
		expect(finds('ship cart', { title: 'Show the shipping estimate' })).toBe(false);
		expect(finds('checkout', { labels: ['Checkout'] })).toBe(true);
	});

	it('knows a card by its repository', () => {
		expect(matches(parseFilter('repo:shop'), aCard(), 'Shop')).toBe(true);
		expect(matches(parseFilter('repo:shop'), aCard(), 'blog')).toBe(false);
	});

	it('takes any of several values of one key', () => {
		expect(finds('label:api label:ui', { labels: ['UI'] })).toBe(true);
		expect(finds('label:api agent:codex', { labels: ['api'], agent: 'claude' })).toBe(false);
	});
});
