import { expect, it, vi } from 'vitest';
import type { CheckRun, Repo } from '#lib/api/types.ts';
import { BranchRuns } from './branch-runs.svelte.ts';

const run = (job_id: string) => ({ job_id }) as CheckRun;
const repo = { id: 'r', default_checks: null } as Repo;

function runs(lists: CheckRun[][]) {
	const ports = {
		listBranchChecks: vi.fn(async () => lists.shift() ?? []),
		runBranchChecks: vi.fn(async () => repo),
		cancelJob: vi.fn(async () => undefined),
	};
	return { ports, runs: new BranchRuns('r', ports) };
}

it('reads the runs, and keeps them when they cannot be read again', async () => {
	const made = runs([[run('b'), run('a')]]);
	await made.runs.load();
	expect(made.runs.find('a')).toEqual(run('a'));
	made.ports.listBranchChecks.mockRejectedValueOnce(new Error('away'));
	await made.runs.load();
	expect(made.runs.items.map(({ job_id }) => job_id)).toEqual(['b', 'a']);
});

it('asks for one more once, and has it in the list', async () => {
	const made = runs([[run('c')]]);
	const [done, again] = await Promise.all([made.runs.run(), made.runs.run()]);
	expect(done).toBe(repo);
	expect(typeof again).toBe('string');
	expect(made.ports.runBranchChecks).toHaveBeenCalledTimes(1);
	expect(made.runs.find('c')).toBeDefined();
	expect(made.runs.busy).toBeNull();
});

it('says why they were not run, or not stopped', async () => {
	const made = runs([]);
	made.ports.runBranchChecks.mockRejectedValueOnce(new Error('They run already.'));
	expect(await made.runs.run()).toContain('They run already.');
	made.ports.cancelJob.mockRejectedValueOnce(new Error('It is over.'));
	expect(await made.runs.stop('a')).toContain('It is over.');
	expect(await made.runs.stop('a')).toBeNull();
});
