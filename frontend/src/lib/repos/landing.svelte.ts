/**
 * Landing a branch, as a person sees it: a look at the remote, then exactly what was shown is pushed.
 *
 * A remote that moved on offers to merge its commits in here first. Nothing is ever forced.
 */

import { ApiError, sentence } from '#lib/api/http.ts';
import { landBranch, mergeRemote, previewLand } from './repo-source.ts';
import type { Landed, LandPreview } from './types.ts';

export interface Refusal {
	text: string;
	/** The paths in conflict, if that is why. */
	files: readonly string[];
}

export class Landing {
	remote = $state('');
	preview = $state.raw<LandPreview | null>(null);
	landed = $state.raw<Landed | null>(null);
	busy = $state<'look' | 'merge' | 'push' | null>(null);
	refusal = $state.raw<Refusal | null>(null);
	wrongRemote = $state<string | null>(null);
	/** The remote's commits were just merged in, and nothing was pushed yet. */
	merged = $state(false);
	#seen = $state('');

	constructor(
		private readonly repo: { id: string; remote_url: string | null },
		readonly branch: string,
		private readonly ports = { previewLand, mergeRemote, landBranch },
	) {
		this.remote = repo.remote_url ?? '';
	}

	/** The preview is of another remote than the one in the field. */
	readonly stale: boolean = $derived(this.preview === null || this.remote.trim() !== this.#seen);

	readonly canPush: boolean = $derived(
		!this.stale && (this.preview?.state === 'new' || this.preview?.state === 'ahead'),
	);

	readonly canMerge: boolean = $derived(
		!this.stale &&
			(this.preview?.state === 'behind' || this.preview?.state === 'diverged') &&
			this.preview.mergeable === true,
	);

	/** Ask the remote what it has. */
	async look(): Promise<void> {
		const remote = this.remote.trim();
		if (!remote) return;
		await this.#do('look', async () => {
			this.preview = await this.ports.previewLand(this.repo.id, this.#target(remote));
			this.#seen = remote;
			this.merged = false;
		});
	}

	/** Bring the remote's commits into the branch here. */
	async merge(): Promise<void> {
		const { preview } = this;
		if (!preview || !this.canMerge) return;
		await this.#do('merge', async () => {
			this.preview = await this.ports.mergeRemote(this.repo.id, this.#target(this.#seen), preview);
			this.merged = true;
		});
	}

	/** Push what the preview shows. */
	async push(): Promise<void> {
		const { preview } = this;
		if (!preview || !this.canPush) return;
		await this.#do('push', async () => {
			this.landed = await this.ports.landBranch(this.repo.id, this.#target(this.#seen), preview);
		});
	}

	#target(remote: string) {
		return {
			branch: this.branch,
			...(remote === this.repo.remote_url ? {} : { remote_url: remote }),
		};
	}

	async #do(what: 'look' | 'merge' | 'push', work: () => Promise<void>): Promise<void> {
		if (this.busy) return;
		this.busy = what;
		this.refusal = this.wrongRemote = null;
		try {
			await work();
		} catch (error) {
			const problem = error instanceof ApiError ? error.problem : null;
			this.wrongRemote = problem?.fields?.['remote_url'] ?? null;
			if (!this.wrongRemote) this.refusal = { text: sentence(error), files: problem?.files ?? [] };
			// What was shown is no longer what is there.
			if (what === 'look' || problem?.code === 'remote_moved' || problem?.code === 'branch_moved')
				this.preview = null;
		} finally {
			this.busy = null;
		}
	}
}

/** How the server reaches a remote, if it can. */
export function reachOf(url: string): 'http' | 'ssh' | null {
	if (/^https?:/i.test(url)) return 'http';
	return /^(ssh:\/\/[\w.-]+@|[\w.-]+@[\w.-]+:)/.test(url) ? 'ssh' : null;
}

/** With what the server would push to a remote, for a person to know. */
export function accessNote(
	repo: { remote_url: string | null; has_credentials: boolean; deploy_key: string | null },
	remote: string,
): string {
	const own = remote === repo.remote_url;
	if (own && repo.deploy_key) return 'With this repository’s deploy key.';
	if (own && repo.has_credentials) return 'With the credentials that are kept for it.';
	if (reachOf(remote) === 'ssh')
		return 'Over ssh the server needs a deploy key: make one in the repository’s settings. Or run `lazyaf land` in a terminal.';
	return 'Without credentials. For a remote that asks for yours, run `lazyaf land` in a terminal.';
}

const commits = (count: number) => `${count} commit${count === 1 ? '' : 's'}`;

/** What landing would do, in a sentence. */
export function summary(preview: LandPreview): string {
	const { ahead, behind, branch } = preview;
	switch (preview.state) {
		case 'new':
			return ahead
				? `The remote has no branch ${branch} yet. It would get one, with ${commits(ahead)}.`
				: `The remote has no branch ${branch} yet. It would get one at a commit that it has.`;
		case 'current':
			return 'The remote is at the same commit. There is nothing to push.';
		case 'ahead':
			return `${commits(ahead)} would be pushed.`;
		case 'behind':
			return `There is nothing to push: the remote has all of it, and ${commits(behind ?? 0)} more.`;
		case 'diverged':
			return `The remote has moved on: ${commits(behind ?? 0)} there ${behind === 1 ? 'is' : 'are'} not here. Nothing is ever forced, so merge ${behind === 1 ? 'it' : 'them'} in here first, or stop.`;
		case 'unknown':
			return 'That repository has commits that are not here, and the server reads none from a disk. Run `lazyaf land` in a terminal.';
	}
}

/** How a branch stands to the remote's, where the server last saw it; null where they are the same. */
export function remoteNote(
	remote: { ahead: number; behind: number } | null,
): { text: string; title: string; moved: boolean } | null {
	if (!remote || (!remote.ahead && !remote.behind)) return null;
	const { ahead, behind } = remote;
	if (!behind)
		return { text: `${ahead} to land`, title: `The remote lacks ${commits(ahead)}`, moved: false };
	const title = `The remote, as last fetched, has ${commits(behind)} that ${behind === 1 ? 'is' : 'are'} not here`;
	return ahead
		? { text: `diverged: ${ahead}/${behind}`, title: `${title}, and lacks ${ahead}`, moved: true }
		: { text: `${behind} new at the remote`, title, moved: true };
}
