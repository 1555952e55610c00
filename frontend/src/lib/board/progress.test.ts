import { describe, expect, it } from 'vitest';
import type { CardLive } from '#lib/api/types.ts';
import { aLive } from '#lib/live/blank.ts';
import { aCard } from '#lib/live/factories.ts';
import { doing, isQueued } from './progress.ts';

const waiting = (fields: Partial<CardLive>) =>
	aCard({ status: 'in_progress', live: aLive({ agent: 'claude', phase: 'queued', ...fields }) });

describe('a queued card', () => {
	it.each([
		[{ queue_position: 1 }, 'Waiting for a free runner'],
		[{ queue_position: 2 }, '2nd in the queue'],
		[{ queue_position: 12 }, '12th in the queue'],
		[{ queue_position: 1, held_by: 'repo_limit' }, 'Repository at its limit · next'],
		[{ queue_position: 3, held_by: 'repo_limit' }, 'Repository at its limit · 3rd'],
		[{ queue_position: 1, held_by: 'agent_limit' }, 'claude at its limit · next'],
		[{ queue_position: 1, held_by: 'image' }, 'Its image is being prepared'],
		[{ queue_position: 2, held_by: 'image' }, 'Its image is being prepared · 2nd'],
		[{ queue_position: 1, held_by: 'no_runner' }, 'No runner for claude'],
		[{ queue_position: 2, held_by: 'paused' }, 'Jobs are paused · 2nd'],
		[{ queue_position: 1, held_by: 'disk' }, 'The disk is almost full · next'],
	] as const)('%o: %s', (fields, words) => {
		expect(doing(waiting(fields))).toBe(words);
	});

	it('is also one that waits again, and not one that was taken', () => {
		expect(isQueued(waiting({ started_at: '2026-11-01T12:00:00Z' }))).toBe(true);
		expect(isQueued(waiting({ job_status: 'running' }))).toBe(false);
		expect(isQueued(aCard({ status: 'in_review', live: aLive() }))).toBe(false);
	});
});
