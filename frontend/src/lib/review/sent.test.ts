import { describe, expect, it, vi } from 'vitest';
import { aComment } from './factories.ts';
import { SentComments } from './sent.svelte.ts';

const one = aComment({ number: 1 });
const two = aComment({ number: 2, state: 'answered' });

describe('sent comments', () => {
	it('are read and settled', async () => {
		const settle = vi.fn(async () => ({ ...one, state: 'resolved' as const }));
		const sent = new SentComments({ comments: async () => [one, two], settle });
		await sent.load('card');
		expect(sent.open).toEqual([one]);
		expect(sent.unresolved).toHaveLength(2);
		await sent.settle(1, true);
		expect(settle).toHaveBeenCalledWith('card', 1, true);
		expect(sent.open).toEqual([]);
		expect(sent.unresolved).toEqual([two]);
	});

	it('say what went wrong and stay as they are', async () => {
		const settle = vi.fn().mockRejectedValue(new Error('Down'));
		const sent = new SentComments({ comments: async () => [one], settle });
		await sent.load('card');
		await sent.settle(1, true);
		expect(sent.failure).toContain('Down');
		expect(sent.all).toEqual([one]);
		expect(sent.busy.size).toBe(0);
	});

	it('of another card replace those of the one before', async () => {
		const comments = vi.fn(async (id: string) => (id === 'card' ? [one] : []));
		const sent = new SentComments({ comments, settle: async () => one });
		await sent.load('card');
		await sent.load('other');
		expect(sent.all).toEqual([]);
	});
});
