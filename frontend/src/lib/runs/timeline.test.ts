import { expect, it } from 'vitest';
import { entry, job } from './factories.ts';
import { settle } from './log-server.ts';
import { Timeline } from './timeline.svelte.ts';
import type { Entry, Job } from './types.ts';

const logs: Record<string, Entry[]> = {
	first: [entry(1, 'message', { text: 'Hello' }), entry(2, 'message')],
	long: [entry(1, 'message')],
	last: [entry(1, 'message', { text: 'Found the needle' })],
};

function timeline(jobs: Job[]) {
	const asked: string[] = [];
	const page = (id: string) => {
		asked.push(id);
		const items = logs[id] ?? [];
		return { items, next_after: items.length, last_seq: items.length, is_final: true };
	};
	const made = new Timeline('card', {
		jobs: async () => jobs.toReversed(),
		source: {
			before: async (id) => page(id),
			after: async (id) => page(id),
			follow: async function* () {
				/* closed */
			},
		},
	});
	return { made, asked };
}
const kinds = (made: Timeline) => made.rows.map((row) => row.kind);

it('shows the newest round and folds the earlier ones', async () => {
	const { made, asked } = timeline([
		job('first', { log_seq: 2 }),
		job('long', { log_seq: 90_000 }),
		job('last', { log_seq: 1, request: { message: 'Again', comments: [], fresh: false } }),
	]);
	await made.refresh();
	await settle();
	expect(kinds(made)).toEqual([
		...['round', 'summary'],
		...['round', 'summary'],
		...['round', 'request', 'message', 'end'],
	]);
	// A short log is read for its summary, a long one only when it is unfolded.
	expect(asked.toSorted()).toEqual(['first', 'last']);
});

it('shows runs of the checks as such, folded, and counts only rounds of the agent', async () => {
	const check = (id: string) => job(id, { kind: 'check', agent: 'check', log_seq: 600 });
	const { made, asked } = timeline([
		job('first'),
		check('c1'),
		job('last', { log_seq: 1 }),
		check('c2'),
	]);
	await made.refresh();
	await settle();
	expect(made.latest?.id).toBe('last');
	const rounds = made.rows.flatMap((row) =>
		row.kind === 'round' && 'job' in row ? [[row.job.id, row.round]] : [],
	);
	expect(rounds).toEqual([
		['first', 1],
		['c1', 1],
		['last', 2],
		['c2', 2],
	]);
	expect(kinds(made).slice(-2)).toEqual(['round', 'summary']);
	expect(asked).toEqual(['last']);
	made.unfold(check('c2'));
	await settle();
	expect(kinds(made).slice(-3)).toEqual(['round', 'summary', 'end']);
});

it('unfolds and folds an earlier round', async () => {
	const first = job('first', { log_seq: 2 });
	const { made } = timeline([first, job('last', { log_seq: 1 })]);
	await made.refresh();
	made.unfold(first);
	await settle();
	expect(kinds(made).slice(0, 5)).toEqual(['round', 'summary', 'message', 'message', 'end']);
	made.fold(first);
	expect(kinds(made).slice(0, 3)).toEqual(['round', 'summary', 'round']);
	expect(new Set(made.rows.map((row) => row.key)).size).toBe(made.rows.length);
});

it('says that a queued job waits and a running one works', async () => {
	const { made } = timeline([job('queued', { status: 'queued' })]);
	await made.refresh();
	expect(kinds(made)).toContain('waiting');
	const running = timeline([job('running', { status: 'running' })]).made;
	await running.refresh();
	expect(kinds(running)).toContain('live');
});
