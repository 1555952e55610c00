/**
 * Opening a card's pull request, as a person sees it: what it would say, and what would be pushed first.
 *
 * Exactly what was shown is pushed; an open pull request of the branch is found rather than refused.
 */

import { draftPull, openPull } from '#lib/api/cards.ts';
import { ApiError, sentence } from '#lib/api/http.ts';
import type { Card, PullDraft } from '#lib/api/types.ts';
import { previewLand } from './repo-source.ts';
import type { LandPreview } from './types.ts';

export class Pulling {
	draft = $state.raw<PullDraft | null>(null);
	/** What would be pushed; null until the remote was asked, and while the server could not open one. */
	preview = $state.raw<LandPreview | null>(null);
	title = $state('');
	body = $state('');
	/** The branch that it would go into. */
	base = $state('');
	busy = $state<'look' | 'open' | null>(null);
	failure = $state<string | null>(null);
	errors = $state.raw<Readonly<Record<string, string>>>({});
	opened = $state.raw<Card | null>(null);

	constructor(
		private readonly card: { id: string; repo_id: string },
		private readonly ports = { draftPull, openPull, previewLand },
	) {}

	/** What it is called on this forge. */
	readonly noun: string = $derived(this.draft?.noun ?? 'pull request');

	/** Why it cannot be opened now, or null. */
	readonly whyNot: string | null = $derived.by(() => {
		if (!this.draft?.ready) return 'The server cannot open it';
		if (!this.title.trim()) return 'Give it a title';
		if (!this.preview) return 'Look at the remote first';
		return isPushable(this.preview) ? null : 'The remote has moved on';
	});

	/** Read what it would say, once, and ask the remote what it has of the branch. */
	async look(): Promise<void> {
		await this.#do('look', async () => {
			const draft = await this.ports.draftPull(this.card.id);
			if (!this.draft) {
				this.title = draft.title;
				this.body = draft.body;
				this.base = draft.base;
			}
			this.draft = draft;
			if (!draft.ready || !draft.branch) return;
			this.preview = await this.ports.previewLand(this.card.repo_id, { branch: draft.branch });
		});
	}

	/** Push what was shown, and open it. */
	async open(): Promise<void> {
		const { preview } = this;
		if (!preview || this.whyNot) return;
		await this.#do('open', async () => {
			this.opened = await this.ports.openPull(this.card.id, {
				title: this.title.trim(),
				body: this.body,
				base: this.base.trim() || null,
				seen: { sha: preview.sha, remote_sha: preview.remote_sha },
			});
		});
	}

	async #do(what: 'look' | 'open', work: () => Promise<void>): Promise<void> {
		if (this.busy) return;
		this.busy = what;
		this.failure = null;
		this.errors = {};
		try {
			await work();
		} catch (error) {
			const problem = error instanceof ApiError ? error.problem : null;
			this.errors = problem?.fields ?? {};
			if (Object.keys(this.errors).length === 0) this.failure = sentence(error);
			// What was shown is no longer what is there.
			if (what === 'look' || problem?.code === 'remote_moved' || problem?.code === 'branch_moved')
				this.preview = null;
		} finally {
			this.busy = null;
		}
	}
}

const isPushable = ({ state }: LandPreview): boolean =>
	state === 'new' || state === 'ahead' || state === 'current';
