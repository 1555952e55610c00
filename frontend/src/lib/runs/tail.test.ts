import { expect, it } from 'vitest';
import { Tail } from './tail.svelte.ts';

it('follows until a person scrolls up, and counts what comes meanwhile', () => {
	const tail = new Tail();
	tail.grew(10, true);
	tail.scrolled(900, 100, 1000, 0);
	expect(tail.following).toBe(true);
	tail.touched(10);
	tail.scrolled(700, 100, 1000, 12);
	expect(tail.following).toBe(false);
	tail.grew(13, true);
	tail.grew(20, false); // an earlier page
	tail.grew(21, true);
	expect(tail.unseen).toBe(4);
	tail.touched(20);
	tail.scrolled(890, 100, 1000, 22);
	expect(tail.following).toBe(true);
	expect(tail.unseen).toBe(0);
});

it('is not put off by its own scrolling or by rows that shrink', () => {
	const tail = new Tail();
	tail.scrolled(900, 100, 1000, 0);
	tail.scrolled(500, 100, 1000, 5000);
	expect(tail.following).toBe(true);
});

it('does not follow an end after which something is missing', () => {
	const tail = new Tail();
	tail.leave();
	tail.scrolled(900, 100, 1000, 0, false);
	expect(tail.following).toBe(false);
	tail.scrolled(900, 100, 1000, 0, true);
	expect(tail.following).toBe(true);
});
