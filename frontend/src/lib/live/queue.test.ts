import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LiveEvent, Waiting } from '#lib/api/types.ts';
import { aLive } from './blank.ts';
import { CardStore } from './cards.svelte.ts';
import { aCard } from './factories.ts';
import { QueueWatch } from './queue.svelte.ts';

const queued = (fields = {}) =>
	aCard({
		status: 'in_progress',
		live: aLive({ job_id: 'j1', job_status: 'queued', queue_position: 3, ...fields }),
	});
const standing = (fields: Partial<Waiting> = {}): Waiting => ({
	card_id: 'c1',
	job_id: 'j1',
	queue_position: 2,
	held_by: null,
	...fields,
});
const eventOf = (type: string) => ({ type, data: {} }) as LiveEvent;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function watched(card = queued()) {
	const store = new CardStore('r1');
	store.put(card);
	const list = vi.fn(async () => [standing()]);
	return { store, list, watch: new QueueWatch(store, list) };
}

describe('QueueWatch', () => {
	it('asks once for many events, and shows where the card stands now', async () => {
		const { store, list, watch } = watched();
		for (const type of ['job.claimed', 'runner.updated', 'job.finished'])
			watch.event(eventOf(type));
		await vi.runAllTimersAsync();
		expect(list).toHaveBeenCalledTimes(1);
		expect(store.get('c1')?.live?.queue_position).toBe(2);
		expect(store.all[0]?.live?.queue_position).toBe(2);
	});

	it('asks again for what came while it asked', async () => {
		const { store, list, watch } = watched();
		list.mockImplementationOnce(async () => {
			watch.event(eventOf('settings.updated'));
			return [standing()];
		});
		list.mockImplementationOnce(async () => [standing({ held_by: 'paused' })]);
		watch.event(eventOf('job.claimed'));
		await vi.runAllTimersAsync();
		expect(list).toHaveBeenCalledTimes(2);
		expect(store.get('c1')?.live?.held_by).toBe('paused');
	});

	it('asks for nothing when no card waits, or nothing changed', async () => {
		const { list, watch } = watched(queued({ job_status: 'running' }));
		watch.event(eventOf('job.claimed'));
		await vi.runAllTimersAsync();
		const other = watched();
		other.watch.event(eventOf('job.progressed'));
		await vi.runAllTimersAsync();
		expect(list).not.toHaveBeenCalled();
		expect(other.list).not.toHaveBeenCalled();
	});

	it('believes a newer word about the card, and draws nothing on one that runs', async () => {
		const { store, watch } = watched();
		watch.event(eventOf('job.claimed'));
		await vi.runAllTimersAsync();
		store.put({ ...queued({ queue_position: 1 }), version: 2 });
		expect(store.get('c1')?.live?.queue_position).toBe(1);
		store.stand([standing()]);
		store.put({ ...queued({ job_status: 'running', queue_position: null }), version: 3 });
		store.stand([standing()]);
		expect(store.get('c1')?.live?.queue_position).toBeNull();
	});
});
