import { describe, expect, it } from 'vitest';
import { STATUSES, type CardStatus } from '#lib/api/types.ts';
import { aCard } from '#lib/live/factories.ts';
import { moveTo, nextColumn } from './moves.ts';

const meaning = (from: CardStatus, to: CardStatus) => {
	const move = moveTo(aCard({ status: from }), to);
	return move.kind === 'command' ? move.command : move.kind === 'open' ? move.purpose : move.kind;
};

describe('moveTo', () => {
	it('says for each pair of columns what the move means', () => {
		const table = Object.fromEntries(
			STATUSES.map((from) => [from, STATUSES.map((to) => meaning(from, to))]),
		);
		expect(table).toEqual({
			// to:          todo      in_progress        in_review  done       failed
			todo: ['place', 'start', 'refused', 'refused', 'refused'],
			in_progress: ['cancel', 'place', 'refused', 'refused', 'refused'],
			in_review: ['reject', 'request-changes', 'place', 'review', 'refused'],
			done: ['reopen', 'refused', 'refused', 'place', 'refused'],
			failed: ['reject', 'retry', 'refused', 'refused', 'place'],
		});
	});

	it('gives every refusal a reason', () => {
		for (const from of STATUSES) {
			for (const to of STATUSES) {
				const move = moveTo(aCard({ status: from }), to);
				if (move.kind === 'refused') expect(move.reason).toMatch(/\.$/);
			}
		}
	});

	it('leaves a stopping card alone', () => {
		expect(moveTo(aCard({ status: 'in_progress', stopping: true }), 'todo').kind).toBe('refused');
	});
});

describe('nextColumn', () => {
	it('skips the columns that would refuse', () => {
		expect(nextColumn(aCard({ status: 'done' }), -1)).toBe('todo');
		expect(nextColumn(aCard({ status: 'failed' }), -1)).toBe('in_progress');
		expect(nextColumn(aCard({ status: 'in_review' }), 1)).toBe('done');
		expect(nextColumn(aCard({ status: 'todo' }), -1)).toBeUndefined();
	});
});
