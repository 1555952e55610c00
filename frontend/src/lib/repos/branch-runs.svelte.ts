/** The checks of a repository's default branch: their last runs, one more, and their end. */

import { cancelJob } from '#lib/api/cards.ts';
import { sentence } from '#lib/api/http.ts';
import { listBranchChecks, runBranchChecks } from '#lib/api/repos.ts';
import type { CheckRun, Repo } from '#lib/api/types.ts';

export class BranchRuns {
	/** The newest first. */
	items = $state.raw<readonly CheckRun[]>([]);
	loaded = $state(false);
	busy = $state<'run' | 'stop' | null>(null);
	#asked = 0;

	constructor(
		readonly repoId: string,
		private readonly ports = { listBranchChecks, runBranchChecks, cancelJob },
	) {}

	find(jobId: string): CheckRun | undefined {
		return this.items.find((run) => run.job_id === jobId);
	}

	/** The latest question wins. */
	async load(): Promise<void> {
		const asked = ++this.#asked;
		try {
			const items = await this.ports.listBranchChecks(this.repoId);
			if (asked === this.#asked) this.items = items;
		} catch {
			// What is known stays; the next word about the branch asks again.
		} finally {
			this.loaded = true;
		}
	}

	/** Run them now; the repository as it is then, or why not. */
	async run(): Promise<Repo | string> {
		if (this.busy) return 'One moment: they are just being asked for.';
		this.busy = 'run';
		try {
			const repo = await this.ports.runBranchChecks(this.repoId);
			await this.load();
			return repo;
		} catch (error) {
			return sentence(error);
		} finally {
			this.busy = null;
		}
	}

	/** Stop a run; why not, if it could not be. */
	async stop(jobId: string): Promise<string | null> {
		this.busy = 'stop';
		try {
			await this.ports.cancelJob(jobId);
			return null;
		} catch (error) {
			return sentence(error);
		} finally {
			this.busy = null;
		}
	}
}
