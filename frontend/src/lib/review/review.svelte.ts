/**
 * What a person has looked at and written about one card's changes, before it is sent.
 *
 * Changes.svelte fills it; the card sheet's action bar reads it: approving sends the commit that
 * was really seen, requesting changes sends the drafted comments. Drafts and marks of seen files
 * survive a reload.
 */

import { untrack } from 'svelte';
import type { Approval, LineComment, Suggestion } from '#lib/api/cards.ts';
import { ApiError } from '#lib/api/http.ts';
import type { Card, CardSummary, ReviewComment } from '#lib/api/types.ts';
import { Blobs } from './blobs.ts';
import { Changes } from './changes.svelte.ts';
import { Context } from './context.svelte.ts';
import { httpPorts, type ReviewPorts } from './diff-source.ts';
import { asComment, Drafts } from './drafts.svelte.ts';
import { fingerprint, recall, remember } from './memory.ts';
import { SentComments } from './sent.svelte.ts';
import type { Draft, FileDiff } from './types.ts';

/** The verdict was not sent, for a reason that the person can change. */
export class NotReviewed extends Error {
	constructor(message: string) {
		super(message);
		this.name = 'NotReviewed';
	}
}

export class ReviewController {
	readonly changes: Changes;
	reviewedSha = $state<string | null>(null);

	#viewed = $state.raw<Readonly<Record<string, string>>>({});
	#card: CardSummary | null = null;
	readonly #ports: ReviewPorts;
	readonly #drafts = new Drafts(() => this.#keep());
	readonly blobs: Blobs;
	readonly context: Context;
	/** The comments that were sent. */
	readonly sent: SentComments;

	constructor(ports: Partial<ReviewPorts> = {}) {
		this.#ports = { ...httpPorts(), ...ports };
		this.sent = new SentComments(this.#ports);
		this.changes = new Changes(this.#ports, () => this.reviewedSha);
		this.blobs = new Blobs((id) => this.#ports.blob(this.#card?.repo_id ?? '', id));
		this.context = new Context((id) => this.blobs.get(id));
	}

	/** The head commit whose changes were on the screen; null until they were shown. */
	get headSha(): string | null {
		return this.changes.tip;
	}

	get moved(): Changes['moved'] {
		return this.changes.moved;
	}

	get loading(): boolean {
		return this.changes.loading;
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

	/** Paths whose change, as it is now, was marked as seen. */
	readonly viewed: ReadonlySet<string> = $derived.by(() => {
		const seen = this.changes.files.filter((file) => this.#viewed[file.path] === fingerprint(file));
		return new Set(seen.map((file) => file.path));
	});

	/** Look at this card. The same card again changes nothing but what is known of it. */
	open(card: CardSummary): void {
		if (this.#card?.id !== card.id) {
			const known = recall(this.#ports.storage, card.id);
			this.#drafts.restore(known.drafts);
			this.#viewed = known.viewed;
			this.reviewedSha = known.reviewedSha;
		}
		const isNews = this.#card?.id !== card.id || this.#card.version !== card.version;
		this.#card = card;
		this.changes.open(card);
		if (isNews && card.job_id) untrack(() => void this.sent.load(card.id));
	}

	/** Read the changes as they are now. */
	load(): Promise<void> {
		return this.changes.load();
	}

	/** The file as it is shown, with what was unfolded around its changes. */
	fileAt(path: string): FileDiff | undefined {
		return this.context.applied(this.changes.files).find((file) => file.path === path);
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
		const extended = extend ? this.#drafts.extend(path, side, line, this.changes.diff) : null;
		return extended ?? this.#drafts.begin(path, side, line, this.changes.diff);
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
		if (card?.no_changes && !this.changes.diff) await this.load(); // nothing to see, but the commit is asked for
		const head = this.headSha;
		if (!card || !head) throw new NotReviewed('The changes are not loaded yet.');
		if (this.changes.moved) {
			throw new NotReviewed('The branch has moved since you looked. Load the new commits first.');
		}
		try {
			return await this.#ports.approve(card.id, head, how);
		} catch (error) {
			if (error instanceof ApiError && error.code === 'branch_moved') {
				this.changes.moved ??= { sha: '', commits: null };
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

	/**
	 * Commit it to the branch, and show the changes as they are then; its lines are those of the tip. The draft
	 * (by its id) or the comment (by its number) that says it is settled by that.
	 */
	async commitSuggestion(suggestion: Suggestion, of: string | number): Promise<void> {
		const card = this.#card;
		const head = this.headSha;
		if (!card || !head) throw new NotReviewed('The changes are not loaded yet.');
		if (this.moved) throw new NotReviewed('The branch has moved. Load the new commits first.');
		await this.#ports.suggest(card.id, head, [suggestion]);
		if (typeof of === 'string') this.discard(of);
		else await this.sent.settle(of, true);
		await Promise.all([this.changes.load(), this.sent.load(card.id)]);
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

	#keep(): void {
		if (!this.#card) return;
		remember(this.#ports.storage, this.#card.id, {
			drafts: [...this.drafts],
			viewed: { ...this.#viewed },
			reviewedSha: this.reviewedSha,
		});
	}
}
