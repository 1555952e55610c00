/**
 * What a person has looked at and written about one card's changes, before it is sent.
 *
 * Changes.svelte fills it; the card sheet's action bar reads it: approving sends the commit that
 * was really seen, requesting changes sends the drafted comments. Drafts and marks of seen files
 * survive a reload.
 */

import { untrack } from 'svelte';
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import { ApiError, sentence } from '#lib/api/http.ts';
import type { Card, CardSummary, MergeMethod } from '#lib/api/types.ts';
import { httpPorts, type Part, type ReviewPorts } from './diff-source.ts';
import { fingerprint, recall, remember } from './memory.ts';
import type { Diff, Draft, FileDiff } from './types.ts';

export interface ReviewComment {
	path: string;
	line: number;
	body: string;
}

/** `since`: only what came after the commit that was reviewed last. */
export type Range = 'all' | 'since';

/** The verdict was not sent, for a reason that the person can change. */
export class NotReviewed extends Error {
	constructor(message: string) {
		super(message);
		this.name = 'NotReviewed';
	}
}

export class ReviewController {
	diff = $state.raw<Diff | null>(null);
	loading = $state(false);
	loadingMore = $state(false);
	failure = $state<string | null>(null);
	range = $state<Range>('all');
	drafts = $state.raw<readonly Draft[]>([]);
	/** The branch has moved on from what is on the screen: its new tip and the commits since. */
	moved = $state.raw<{ sha: string; commits: number | null } | null>(null);
	reviewedSha = $state<string | null>(null);
	/** Files being loaded alone, and why one could not be. */
	readonly fetching = new SvelteSet<string>();
	readonly problems = new SvelteMap<string, string>();

	#viewed = $state.raw<Readonly<Record<string, string>>>({});
	#card: CardSummary | null = null;
	#asked = 0;
	#ids = 0;
	readonly #ports: ReviewPorts;

	constructor(ports: Partial<ReviewPorts> = {}) {
		this.#ports = { ...httpPorts(), ...ports };
	}

	/** The head commit whose changes are on the screen; null until they were shown. */
	readonly headSha: string | null = $derived(this.diff?.head_sha ?? null);

	readonly files: readonly FileDiff[] = $derived(this.diff?.files ?? []);

	/** Paths whose change, as it is now, was marked as seen. */
	readonly viewed: ReadonlySet<string> = $derived(
		new Set(
			this.files
				.filter((file) => this.#viewed[file.path] === fingerprint(file))
				.map((file) => file.path),
		),
	);

	/** What would be sent with the review. */
	readonly comments: ReviewComment[] = $derived(
		this.drafts.filter((draft) => draft.body.trim() !== '').map(asComment),
	);

	/** Look at this card. The same card again changes nothing but what is known of it. */
	open(card: CardSummary): void {
		if (this.#card?.id !== card.id) {
			const known = recall(this.#ports.storage, card.id);
			this.drafts = known.drafts;
			this.#viewed = known.viewed;
			this.reviewedSha = known.reviewedSha;
			this.#ids = known.drafts.length;
			this.diff = null;
			this.moved = null;
			this.range = 'all';
		}
		this.#card = card;
	}

	/** Read the changes and show them. */
	async load(range: Range = untrack(() => this.range)): Promise<void> {
		if (!this.#card) return;
		const asked = ++this.#asked;
		this.loading = true;
		try {
			const diff = await this.#read(range);
			if (asked !== this.#asked) return;
			this.diff = diff;
			this.range = range;
			this.moved = null;
			this.failure = null;
		} catch (error) {
			if (asked === this.#asked) this.failure = sentence(error);
		} finally {
			if (asked === this.#asked) this.loading = false;
		}
	}

	/** See whether the branch has moved. Shows nothing new by itself, unless nothing was shown. */
	async check(): Promise<void> {
		const card = this.#card;
		const shown = this.diff;
		if (!card || this.loading) return;
		if (!shown || shown.files.length === 0) return this.load();
		try {
			const tip = card.head_sha ?? (await this.#ports.diff(card.id)).head_sha;
			if (this.diff !== shown) return;
			if (tip !== shown.head_sha) await this.#hasMoved(card, shown, tip);
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
			const answer = await this.#read(this.range, { path });
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
			const answer = await this.#read(this.range, { cursor });
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

	setViewed(file: FileDiff, seen: boolean): void {
		const others = Object.entries(this.#viewed).filter(([path]) => path !== file.path);
		const marks = seen ? [[file.path, fingerprint(file)] as const] : [];
		this.#viewed = Object.fromEntries([...others, ...marks]);
		this.#keep();
	}

	/** Begin a comment, or go on with the one that is on this line already. */
	draft(path: string, side: Draft['side'], line: number): Draft {
		const known = this.drafts.find((d) => d.path === path && d.side === side && d.line === line);
		if (known) {
			this.change(known.id, { editing: true });
			return known;
		}
		const id = `${Date.now().toString(36)}-${++this.#ids}`;
		const draft: Draft = { id, path, side, line, body: '', editing: true };
		this.drafts = [...this.drafts, draft];
		this.#keep();
		return draft;
	}

	change(id: string, change: Partial<Pick<Draft, 'body' | 'editing'>>): void {
		this.drafts = this.drafts.map((draft) => (draft.id === id ? { ...draft, ...change } : draft));
		this.#keep();
	}

	discard(id: string): void {
		this.drafts = this.drafts.filter((draft) => draft.id !== id);
		this.#keep();
	}

	/** Merge what was seen. Raises `NotReviewed` or what the server said. */
	async approve(method?: MergeMethod): Promise<Card> {
		const card = this.#card;
		if (card?.no_changes && !this.diff) await this.load(); // nothing to see, but the commit is asked for
		const head = this.headSha;
		if (!card || !head) throw new NotReviewed('The changes are not loaded yet.');
		if (this.moved) {
			throw new NotReviewed('The branch has moved since you looked. Load the new commits first.');
		}
		try {
			return await this.#ports.approve(card.id, head, ...(method ? [method] : []));
		} catch (error) {
			if (error instanceof ApiError && error.code === 'branch_moved') {
				this.moved ??= { sha: '', commits: null };
			}
			throw error;
		}
	}

	/** Send the message and every drafted comment; what was sent is no draft any more. */
	async requestChanges(message: string): Promise<Card> {
		if (!message.trim() && this.comments.length === 0) {
			throw new NotReviewed('Say what should change, or comment on a line.');
		}
		return this.#send(message, [...this.drafts]);
	}

	/** Send one comment now and keep the others. */
	async sendOne(id: string): Promise<Card> {
		const draft = this.drafts.find((other) => other.id === id);
		if (!draft?.body.trim()) throw new NotReviewed('Write the comment first.');
		return this.#send('', [draft]);
	}

	/** Everything was sent (by the action bar): nothing is a draft any more. */
	clear(): void {
		this.reviewedSha = this.headSha ?? this.reviewedSha;
		this.drafts = [];
		this.#keep();
	}

	async #send(message: string, drafts: Draft[]): Promise<Card> {
		const card = this.#card;
		if (!card) throw new NotReviewed('The changes are not loaded yet.');
		const comments = drafts.filter((draft) => draft.body.trim() !== '').map(asComment);
		const answer = await this.#ports.requestChanges(card.id, message.trim(), comments);
		const sent = new Set(drafts.map((draft) => draft.id));
		this.drafts = this.drafts.filter((draft) => !sent.has(draft.id));
		this.reviewedSha = this.headSha ?? this.reviewedSha;
		this.#keep();
		return answer;
	}

	async #read(range: Range, part?: Part): Promise<Diff> {
		const card = this.#card;
		if (!card) throw new NotReviewed('No card is open.');
		if (range === 'all' || !this.reviewedSha) return this.#ports.diff(card.id, part);
		const head = this.diff?.head_sha ?? (await this.#ports.diff(card.id)).head_sha;
		return this.#ports.between(card.repo_id, this.reviewedSha, head, part);
	}

	async #hasMoved(card: CardSummary, shown: Diff, sha: string): Promise<void> {
		let commits: number | null = null;
		try {
			const newest = await this.#ports.commits(card.repo_id, sha);
			const at = newest.findIndex((commit) => commit.sha === shown.head_sha);
			commits = at > 0 ? at : null;
		} catch {
			// The number is a courtesy.
		}
		if (this.diff === shown) this.moved = { sha, commits };
	}

	#keep(): void {
		if (!this.#card) return;
		remember(this.#ports.storage, this.#card.id, {
			drafts: [...this.drafts],
			viewed: { ...this.#viewed },
			reviewedSha: this.reviewedSha,
		});
	}
}

/** The server knows lines of the new file; a removed line is named in words. */
function asComment(draft: Draft): ReviewComment {
	const body = draft.body.trim();
	const about = draft.side === 'old' ? `(on removed line ${draft.line}) ${body}` : body;
	return { path: draft.path, line: draft.line, body: about };
}
