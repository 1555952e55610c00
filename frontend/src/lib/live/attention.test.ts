import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { CardSummary, LiveEvent } from '#lib/api/types.ts';
import { Attention } from './attention.svelte.ts';
import { aCard } from './factories.ts';

const kept = new Map<string, string>();
vi.stubGlobal('localStorage', {
	getItem: (key: string) => kept.get(key) ?? null,
	setItem: (key: string, value: string) => kept.set(key, value),
	removeItem: (key: string) => kept.delete(key),
});

const show = vi.fn();
let hidden = true;
function asked(): Attention {
	const attention = new Attention({ isHidden: () => hidden, show });
	attention.wanted = true;
	return attention;
}
function told(card: Partial<CardSummary>, actor = 'runner:one', type = 'card.moved'): LiveEvent {
	const rest = { id: 1, cursor: 'e:1', at: '', family: 'card_updated', version: 2 };
	return { ...rest, type, actor, subject: 'c1', data: { card: aCard(card) } };
}

beforeEach(() => {
	kept.clear();
	vi.clearAllMocks();
	hidden = true;
});

describe('Attention', () => {
	it('tells of a card that came to review or failed, and counts each once', () => {
		const attention = asked();
		attention.event(told({ status: 'failed' }));
		attention.event(told({ status: 'in_review' }));
		attention.event(told({ id: 'c2', status: 'in_review' }));
		expect(show.mock.calls.map(([{ why }]) => why)).toEqual([
			'failed',
			'is ready for review',
			'is ready for review',
		]);
		expect(attention.count).toBe(2);
		attention.looked();
		expect(attention.count).toBe(0);
	});

	it('is silent unless it was asked to speak, and remembers that it was', () => {
		const attention = new Attention({ isHidden: () => true, show });
		attention.event(told({ status: 'failed' }));
		expect(show).not.toHaveBeenCalled();
		attention.wanted = true;
		expect(new Attention({ isHidden: () => true, show }).wanted).toBe(true);
		attention.wanted = false;
		expect(new Attention({ isHidden: () => true, show }).wanted).toBe(false);
	});

	it('says nothing of what the person sees, does, or need not see to', () => {
		const attention = asked();
		hidden = false;
		attention.event(told({ status: 'in_review' }));
		hidden = true;
		attention.event(told({ status: 'in_review' }, 'person:you'));
		attention.event(told({ status: 'in_progress' }));
		attention.event(told({ status: 'done' }, 'server'));
		attention.event(told({ status: 'in_review' }, 'server', 'card.updated'));
		expect(show).not.toHaveBeenCalled();
	});

	it('tells of an approval that bounced, once', () => {
		const attention = asked();
		const state = (name: string) =>
			told(
				{ status: 'in_review', merge_state: { state: name } as CardSummary['merge_state'] },
				'server',
				'card.updated',
			);
		attention.event(state('bounced')); // long ago: only measured anew
		expect(show).not.toHaveBeenCalled();
		attention.event(state('checking'));
		attention.event(state('bounced'));
		attention.event(state('bounced'));
		expect(show).toHaveBeenCalledTimes(1);
		expect(show.mock.calls[0]?.[0].why).toBe('was approved and could not be merged');
	});

	it('does not count what somebody saw to elsewhere', () => {
		const attention = asked();
		attention.event(told({ status: 'in_review' }));
		attention.event(told({ status: 'done' }, 'person:you'));
		expect(attention.count).toBe(0);
	});
});
