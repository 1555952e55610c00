/**
 * What a person has looked at and written about one card's changes, before it is sent.
 *
 * Changes.svelte fills it; the card sheet's action bar reads it: approving sends the commit that
 * was really seen, requesting changes sends the drafted comments. Drafts and marks of seen files
 * survive a reload.
 */

import { untrack } from 'svelte';
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import type { Approval, LineComment } from '#lib/api/cards.ts';
import { ApiError, sentence } from '#lib/api/http.ts';
import type { Card, CardSummary, ReviewComment, Round } from '#lib/api/types.ts';
import { httpPorts, type Part, type ReviewPorts } from './diff-source.ts';
import { asComment, Drafts } from './drafts.svelte.ts';
import { fingerprint, recall, remember } from './memory.ts';
import type { Shown } from './placed.ts';
import { SentComments } from './sent.svelte.ts';
import type { Diff, Draft, FileDiff } from './types.ts';

/** `since`: only what came after the commit that was reviewed last; a number: what that round has changed. */
export type Range = 'all' | 'since' | number;

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
	/** The runs of the agent, the oldest first. */
	rounds = $state.raw<readonly Round[]>([]);
	/** The branch has moved on from what is on the screen: its new tip and the commits since. */
	moved = $state.raw<{ sha: string; commits: number | null } | null>(null);
	reviewedSha = $state<string | null>(null);
	/** Files being loaded alone, and why one could not be. */
	readonly fetching = new SvelteSet<string>();
	readonly problems = new SvelteMap<string, string>();

	#viewed = $state.raw<Readonly<Record<string, string>>>({});
	/** The branch's tip, as far as its changes were shown: a round shows what was before. */
	#tip = $state<string | null>(null);
	#card: CardSummary | null = null;
	#asked = 0;
	readonly #ports: ReviewPorts;
	readonly #drafts = new Drafts(() => this.#keep());
	/** The comments that were sent. */
	readonly sent: SentComments;

	constructor(ports: Partial<ReviewPorts> = {}) {
		this.#ports = { ...httpPorts(), ...ports };
		this.sent = new SentComments(this.#ports);
	}

	/** The head commit whose changes were on the screen; null until they were shown. */
	get headSha(): string | null {
		return this.#tip;
	}

	get drafts(): readonly Draft[] {
		return this.#drafts.all;
	}

	/** What would be sent with the review. */
	get comments(): readonly LineComment[] {
		return this.#drafts.written;
	}

	/** Comments that were sent and that nobody has said to be settled. */
	get unresolved(): readonly ReviewComment[] {
		return this.sent.unresolved;
	}

	/** What is on the screen, for those who look for a line in it. */
	readonly shown: Shown | null = $derived(
		this.diff && {
			diff: this.diff,
			isTip: this.diff.head_sha === this.#tip,
			whole: this.diff.carried === null,
		},
	);

	readonly files: readonly FileDiff[] = $derived(this.diff?.files ?? []);

	/** Paths whose change, as it is now, was marked as seen. */
	readonly viewed: ReadonlySet<string> = $derived(
		new Set(
			this.files
				.filter((file) => this.#viewed[file.path] === fingerprint(file))
				.map((file) => file.path),
		),
	);

	/** Look at this card. The same card again changes nothing but what is known of it. */
	open(card: CardSummary): void {
		if (this.#card?.id !== card.id) {
			const known = recall(this.#ports.storage, card.id);
			this.#drafts.restore(known.drafts);
			this.#viewed = known.viewed;
			this.reviewedSha = known.reviewedSha;
			this.diff = null;
			this.#tip = null;
			this.rounds = [];
			this.moved = null;
			this.range = 'all';
		}
		const isNews = this.#card?.id !== card.id || this.#card.version !== card.version;
		this.#card = card;
		if (isNews && card.job_id) untrack(() => void this.sent.load(card.id));
	}

	/** Read the changes and show them; the whole of them when the branch has moved under a round. */
	async load(range: Range = untrack(() => this.#present())): Promise<void> {
		if (!this.#card) return;
		void this.#readRounds(this.#card.id);
		const asked = ++this.#asked;
		this.loading = true;
		try {
			const diff = await this.#read(range);
			if (asked !== this.#asked) return;
			this.diff = diff;
			this.range = range;
			this.failure = null;
			if (typeof range === 'number') return;
			this.#tip = diff.head_sha;
			this.moved = null;
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
			if (tip !== this.#tip) await this.#hasMoved(card, shown, tip);
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

	/**
	 * Begin a comment on a line that is shown, or go on with the one that is there already. With `extend` the
	 * one that is being written reaches to this line.
	 */
	draft(path: string, side: Draft['side'], line: number, extend = false): Draft {
		const extended = extend ? this.#drafts.extend(path, side, line, this.diff) : null;
		return extended ?? this.#drafts.begin(path, side, line, this.diff);
	}

	change(id: string, change: Partial<Pick<Draft, 'body' | 'editing'>>): void {
		this.#drafts.change(id, change);
	}

	discard(id: string): void {
		this.#drafts.discard(id);
	}

	bringBack(draft: Draft): void {
		this.#drafts.bringBack(draft);
	}

	/** Merge what was seen. Raises `NotReviewed` or what the server said. */
	async approve(how: Approval = {}): Promise<Card> {
		const card = this.#card;
		if (card?.no_changes && !this.diff) await this.load(); // nothing to see, but the commit is asked for
		const head = this.headSha;
		if (!card || !head) throw new NotReviewed('The changes are not loaded yet.');
		if (this.moved) {
			throw new NotReviewed('The branch has moved since you looked. Load the new commits first.');
		}
		try {
			return await this.#ports.approve(card.id, head, how);
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
		this.#drafts.restore([]);
		this.#keep();
	}

	async #send(message: string, drafts: Draft[]): Promise<Card> {
		const card = this.#card;
		if (!card) throw new NotReviewed('The changes are not loaded yet.');
		const comments = drafts.filter((draft) => draft.body.trim() !== '').map(asComment);
		const answer = await this.#ports.requestChanges(card.id, message.trim(), comments);
		this.#drafts.forget(drafts.map((draft) => draft.id));
		this.reviewedSha = this.headSha ?? this.reviewedSha;
		this.#keep();
		return answer;
	}

	async #read(range: Range, part?: Part): Promise<Diff> {
		const card = this.#card;
		if (!card) throw new NotReviewed('No card is open.');
		if (typeof range === 'number') return this.#ports.round(card.id, range, part);
		if (range === 'all' || !this.reviewedSha) return this.#ports.diff(card.id, part);
		return this.#ports.since(card.id, this.reviewedSha, part);
	}

	#present(): Range {
		return this.moved && typeof this.range === 'number' ? 'all' : this.range;
	}

	async #readRounds(cardId: string): Promise<void> {
		try {
			const rounds = await this.#ports.rounds(cardId);
			if (this.#card?.id === cardId) this.rounds = rounds;
		} catch {
			// Without them all the changes are there all the same.
		}
	}

	async #hasMoved(card: CardSummary, shown: Diff, sha: string): Promise<void> {
		let commits: number | null = null;
		try {
			const newest = await this.#ports.commits(card.repo_id, sha);
			const at = newest.findIndex((commit) => commit.sha === this.#tip);
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
