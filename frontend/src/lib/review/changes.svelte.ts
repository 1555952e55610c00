/**
 * The part of a card's changes that is on the screen: which it is, how many of its files were read, and whether
 * the branch has moved on since.
 */

import { untrack } from 'svelte';
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import { sentence } from '#lib/api/http.ts';
import type { CardSummary, Round } from '#lib/api/types.ts';
import type { ChangesPorts, Part } from './diff-source.ts';
import type { Shown } from './placed.ts';
import type { Diff, FileDiff } from './types.ts';

/** `since`: only what came after the commit that was reviewed last; a number: what that round has changed. */
export type Range = 'all' | 'since' | number;

export class Changes {
	diff = $state.raw<Diff | null>(null);
	loading = $state(false);
	loadingMore = $state(false);
	failure = $state<string | null>(null);
	range = $state<Range>('all');
	/** The runs of the agent, the oldest first. */
	rounds = $state.raw<readonly Round[]>([]);
	/** The branch has moved on from what is on the screen: its new tip and the commits since. */
	moved = $state.raw<{ sha: string; commits: number | null } | null>(null);
	/** The branch's tip, as far as its changes were shown: a round shows what was before. */
	tip = $state<string | null>(null);
	/** Files being loaded alone, and why one could not be. */
	readonly fetching = new SvelteSet<string>();
	readonly problems = new SvelteMap<string, string>();

	#card: CardSummary | null = null;
	#asked = 0;
	/** Settled when nothing is being read. */
	#read: Promise<void> = Promise.resolve();

	/** `reviewedSha` says which commit was reviewed last. */
	constructor(
		private readonly ports: ChangesPorts,
		private readonly reviewedSha: () => string | null,
	) {}

	readonly files: readonly FileDiff[] = $derived(this.diff?.files ?? []);

	/** What is on the screen, for those who look for a line in it. */
	readonly shown: Shown | null = $derived(
		this.diff && {
			diff: this.diff,
			isTip: this.diff.head_sha === this.tip,
			whole: this.diff.carried === null,
		},
	);

	/** Those of this card. The same card again changes nothing but what is known of it. */
	open(card: CardSummary): void {
		if (this.#card?.id !== card.id) {
			this.diff = null;
			this.tip = null;
			this.rounds = [];
			this.moved = null;
			this.range = 'all';
		}
		this.#card = card;
	}

	/** Read the changes and show them; the whole of them when the branch has moved under a round. */
	async load(range: Range = untrack(() => this.#present())): Promise<void> {
		if (!this.#card) return;
		void this.#readRounds(this.#card.id);
		this.#read = this.#show(range);
		await this.#read;
	}

	/** See whether the branch has moved. Shows nothing new by itself, unless nothing was shown. */
	async check(): Promise<void> {
		// What is being read may be of the branch as it was before.
		for (let read = this.#read; this.loading; read = this.#read) await read;
		const card = this.#card;
		const shown = this.diff;
		if (!card) return;
		if (!shown || shown.files.length === 0) return this.load();
		try {
			const tip = card.head_sha ?? (await this.ports.diff(card.id)).head_sha;
			if (this.diff !== shown) return;
			if (tip !== this.tip) await this.#hasMoved(card, shown, tip);
		} catch {
			// Not asked for by anybody: what is shown stays true, the next check may answer.
		}
	}

	/** Load the hunks of a file that was too large for the list. */
	async loadFile(path: string): Promise<void> {
		const shown = this.diff;
		if (!shown || !this.#card || this.fetching.has(path)) return;
		this.fetching.add(path);
		this.problems.delete(path);
		try {
			const answer = await this.#ask(this.range, { path });
			const file = answer.files.find((other) => other.path === path);
			if (this.diff !== shown) return;
			if (answer.head_sha !== shown.head_sha) {
				await this.#hasMoved(this.#card, shown, answer.head_sha);
				this.problems.set(path, 'The branch has moved. Load the new commits first.');
			} else if (!file || (file.too_large && file.hunks.length === 0)) {
				this.problems.set(path, 'This file is too large to show. Check the branch out to read it.');
			} else {
				const files = shown.files.map((other) => (other.path === path ? file : other));
				this.diff = { ...shown, files };
			}
		} catch (error) {
			this.problems.set(path, sentence(error));
		} finally {
			this.fetching.delete(path);
		}
	}

	/** Read the next files of a change that has more than a page of them. */
	async loadMore(): Promise<void> {
		const shown = this.diff;
		const cursor = shown?.next_cursor;
		if (!shown || !cursor || !this.#card || this.loadingMore) return;
		this.loadingMore = true;
		try {
			const answer = await this.#ask(this.range, { cursor });
			if (this.diff !== shown) return;
			if (answer.head_sha !== shown.head_sha || answer.base_sha !== shown.base_sha) {
				await this.#hasMoved(this.#card, shown, answer.head_sha);
				this.failure = 'The branch has moved. Load the new commits first.';
			} else {
				const files = [...shown.files, ...answer.files];
				this.diff = { ...shown, files, next_cursor: answer.next_cursor };
				this.failure = null;
			}
		} catch (error) {
			this.failure = sentence(error);
		} finally {
			this.loadingMore = false;
		}
	}

	async #show(range: Range): Promise<void> {
		const asked = ++this.#asked;
		this.loading = true;
		try {
			const diff = await this.#ask(range);
			if (asked !== this.#asked) return;
			this.diff = diff;
			this.range = range;
			this.failure = null;
			if (typeof range === 'number') return;
			this.tip = diff.head_sha;
			this.moved = null;
		} catch (error) {
			if (asked === this.#asked) this.failure = sentence(error);
		} finally {
			if (asked === this.#asked) this.loading = false;
		}
	}

	async #ask(range: Range, part?: Part): Promise<Diff> {
		const card = this.#card;
		if (!card) throw new Error('No card is open.');
		if (typeof range === 'number') return this.ports.round(card.id, range, part);
		const reviewed = this.reviewedSha();
		if (range === 'all' || !reviewed) return this.ports.diff(card.id, part);
		return this.ports.since(card.id, reviewed, part);
	}

	#present(): Range {
		return this.moved && typeof this.range === 'number' ? 'all' : this.range;
	}

	async #readRounds(cardId: string): Promise<void> {
		try {
			const rounds = await this.ports.rounds(cardId);
			if (this.#card?.id === cardId) this.rounds = rounds;
		} catch {
			// Without them all the changes are there all the same.
		}
	}

	async #hasMoved(card: CardSummary, shown: Diff, sha: string): Promise<void> {
		let commits: number | null = null;
		try {
			const newest = await this.ports.commits(card.repo_id, sha);
			const at = newest.findIndex((commit) => commit.sha === this.tip);
			commits = at > 0 ? at : null;
		} catch {
			// The number is a courtesy.
		}
		if (this.diff === shown) this.moved = { sha, commits };
	}
}
