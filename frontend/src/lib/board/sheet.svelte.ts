/**
 * One card in full: its description, and the commands that need words or a commit a person has
 * seen. What the board shows of it stays the board's; refusals are kept here and shown in the sheet.
 */

import {
	cancelCard,
	cancelJob,
	closeCard,
	dequeueCard,
	getCard,
	refreshPull,
	rejectCard,
	reopenCard,
	requestChanges,
	resolveConflicts,
	restoreBranch,
	retryCard,
	runChecks,
	startCard,
	updateBranch,
	type Approval,
	type LineComment,
} from '#lib/api/cards.ts';
import { ApiError, sentence } from '#lib/api/http.ts';
import type {
	Card,
	CardSummary,
	MergeMethod,
	ReviewComment,
	UpdateMethod,
} from '#lib/api/types.ts';
import type { CardStore } from '#lib/live/cards.svelte.ts';
import { consent } from '#lib/live/consent.svelte.ts';
import { expectation } from './expectation.ts';
import type { CardCommand } from './moves.ts';

/** What the sheet needs of the review: filled by the changes, sent by the action bar. */
export interface ReviewState {
	/** The commit whose changes were loaded and shown. */
	readonly headSha: string | null;
	readonly comments: readonly LineComment[];
	/** Comments that were sent and that nobody has said to be settled. */
	readonly unresolved: readonly Pick<ReviewComment, 'state'>[];
	/** The branch is ahead of what was shown; `commits`: by how many, when that is known. */
	readonly moved: { readonly commits: number | null } | null;
	readonly loading: boolean;
	/** What it is about; what was drafted for it before is there again. */
	open(card: CardSummary): void;
	/** Read the changes as they are now. */
	load(): Promise<void>;
	/** Merge `headSha`, or raise why not. */
	approve(how?: Approval): Promise<Card>;
	clear(): void;
}

export interface Refusal {
	text: string;
	/** Merge conflicts: the paths. */
	files: string[];
	/** The commits cannot be replayed one by one; as one commit they merge. */
	squashable?: true;
}

const ASK: Record<CardCommand, (id: string) => Promise<Card>> = {
	start: startCard,
	retry: retryCard,
	cancel: cancelCard,
	reject: rejectCard,
	reopen: reopenCard,
};

/** The commands after which an agent works. */
const STARTING: ReadonlySet<string> = new Set([
	'start',
	'retry',
	'request-changes',
	'resolve-conflicts',
]);

export class Sheet {
	detail = $state.raw<Card | null>(null);
	refusal = $state<Refusal | null>(null);
	/** The command that the server is working on. */
	busy = $state<string | null>(null);
	message = $state('');
	/** Approving, by this method, waits for a word about comments that were drafted and not sent. */
	asking = $state.raw<{ method: MergeMethod | undefined } | null>(null);

	constructor(
		private readonly store: CardStore,
		readonly id: string,
	) {}

	/** Read the whole card, unless the version at hand is the one asked for. */
	async load(version: number): Promise<void> {
		if (this.detail && this.detail.version >= version) return;
		try {
			this.put(await getCard(this.id));
		} catch (error) {
			this.refusal = { text: sentence(error), files: [] };
		}
	}

	put(card: Card): void {
		this.store.put(card);
		if (!this.detail || card.version >= this.detail.version) this.detail = card;
	}

	command(card: CardSummary, command: CardCommand): Promise<boolean> {
		return this.#ask(command, () =>
			this.store.expect(this.id, expectation(command, card), () => ASK[command](this.id)),
		);
	}

	/** Start over from the base branch instead of continuing on the card's. */
	startFresh(card: CardSummary): Promise<boolean> {
		return this.#ask('start', () =>
			this.store.expect(this.id, expectation('start', card), () => startCard(this.id, true)),
		);
	}

	/** Merges the commit that was seen; any other is refused, here or by the server. */
	approve(review: ReviewState, method?: MergeMethod, regardless = false): Promise<boolean> {
		return this.#ask('approve', async () => {
			try {
				return await review.approve({ method, require_resolved: !regardless });
			} catch (error) {
				if (isUnresolved(error)) this.asking = { method };
				throw error;
			}
		});
	}

	/** The message and every drafted comment go to the agent as its next task. */
	async requestChanges(review: ReviewState): Promise<boolean> {
		const comments = [...review.comments];
		const message = this.message.trim();
		if (!message && comments.length === 0) return false;
		const sent = await this.#ask('request-changes', () =>
			requestChanges(this.id, message, comments),
		);
		if (sent) {
			this.message = '';
			review.clear();
		}
		return sent;
	}

	/** The branch was deleted; its last commit was not. */
	restoreBranch(): Promise<boolean> {
		return this.#ask('restore-branch', () => restoreBranch(this.id));
	}

	/** Another round, in which the agent settles the conflict with the base. */
	resolveConflicts(): Promise<boolean> {
		return this.#ask('resolve-conflicts', () => resolveConflicts(this.id));
	}

	/** Bring the base in; the changes are read again, for the branch has another head then. */
	async updateBranch(review: ReviewState, method: UpdateMethod): Promise<boolean> {
		const updated = await this.#ask('update-branch', () => updateBranch(this.id, method));
		if (updated) await review.load();
		return updated;
	}

	/** Once more, on what merging makes now. */
	runChecks(): Promise<boolean> {
		return this.#ask('run-checks', () => runChecks(this.id));
	}

	stopChecks(card: CardSummary): Promise<boolean> {
		return this.#ask('stop-checks', async () => {
			if (card.checks) await cancelJob(card.checks.job_id);
			return getCard(this.id);
		});
	}

	/** Ask the forge now how far the pull request is. */
	refreshPull(): Promise<boolean> {
		return this.#ask('refresh-pull', () => refreshPull(this.id));
	}

	/** Its pull request was merged on its forge; nothing is merged here. */
	close(): Promise<boolean> {
		return this.#ask('close', () => closeCard(this.id));
	}

	/** Take back an approval that waits in the merge queue. */
	dequeue(): Promise<boolean> {
		return this.#ask('dequeue', () => dequeueCard(this.id));
	}

	async #ask(name: string, ask: () => Promise<Card>): Promise<boolean> {
		if (this.busy || (STARTING.has(name) && !(await consent.obtain()))) return false;
		this.busy = name;
		this.refusal = null;
		try {
			this.put(await ask());
			return true;
		} catch (error) {
			if (isUnresolved(error)) return false; // it is asked about
			const files = error instanceof ApiError ? (error.problem.files ?? []) : [];
			const cannotReplay =
				name === 'approve' && error instanceof ApiError && error.code.startsWith('rebase_');
			const squashable = cannotReplay ? { squashable: true as const } : {};
			this.refusal = { text: sentence(error), files, ...squashable };
			return false;
		} finally {
			this.busy = null;
		}
	}
}

const isUnresolved = (error: unknown) =>
	error instanceof ApiError && error.code === 'unresolved_comments';
