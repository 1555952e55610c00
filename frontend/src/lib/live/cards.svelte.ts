/**
 * The cards of one repository, or of all, as the server knows them, with what this tab expects laid on
 * top. Those in the archive are read when somebody first asks for them.
 *
 * Server facts arrive as a snapshot, as events and as answers to commands; an older version never
 * replaces a newer one. An expectation (`expect`) is drawn at once and taken away when the server
 * has answered, whichever way it answered: the server decides where a card lands.
 */

import { listCards } from '#lib/api/cards.ts';
import { sentence } from '#lib/api/http.ts';
import type { CardSummary, LiveEvent, Waiting } from '#lib/api/types.ts';
import type { FeedSubscriber } from './feed.svelte.ts';

export type Expectation = Partial<CardSummary>;
type Standing = Pick<Waiting, 'queue_position' | 'held_by'>;

export class CardStore implements FeedSubscriber {
	/** False until the first snapshot is here. */
	loaded = $state(false);
	failure = $state<string | null>(null);
	#facts = $state.raw<ReadonlyMap<string, CardSummary>>(new Map());
	#expected = $state.raw<ReadonlyMap<string, Expectation>>(new Map());
	/** Where queued cards stand, by job: newer than what their facts say of it. */
	#standings = $state.raw<ReadonlyMap<string, Standing>>(new Map());
	#cursor: string | null = null;
	#loading: AbortController | null = null;
	/** What arrived while a snapshot was on its way: the snapshot may be older than it. */
	#arrived = new Map<string, CardSummary>();
	#removed = new Set<string>();
	/** Somebody looks at the archive. */
	#wantsArchive = false;

	#drawnAll = $derived.by(() => {
		const cards = [...this.#facts.values()];
		if (this.#expected.size === 0 && this.#standings.size === 0) return cards;
		return cards.map((card) => this.#drawn(card));
	});
	/** What is on the board: facts with expectations laid on top, in no order. */
	readonly all: readonly CardSummary[] = $derived(
		this.#drawnAll.filter((card) => card.archived_at === null),
	);
	/** What is known of the archive; see `loadArchive`. */
	readonly archived: readonly CardSummary[] = $derived(
		this.#drawnAll.filter((card) => card.archived_at !== null),
	);
	/** Is there a card whose place in the queue may change without a word about it? */
	readonly hasQueued = $derived.by(() =>
		[...this.#facts.values()].some((card) => card.live?.job_status === 'queued'),
	);

	constructor(
		/** Null: every repository's. */
		readonly repoId: string | null,
		private readonly list: typeof listCards = listCards,
	) {}

	get(id: string): CardSummary | undefined {
		const card = this.#facts.get(id);
		return card && this.#drawn(card);
	}

	#drawn(card: CardSummary): CardSummary {
		const expected = this.#expected.get(card.id);
		const standing = card.live?.job_status === 'queued' && this.#standings.get(card.live.job_id);
		if (!standing) return expected ? { ...card, ...expected } : card;
		return { ...card, live: card.live && { ...card.live, ...standing }, ...expected };
	}

	/** On the board or in the archive, as far as that is known. */
	byNumber(repoId: string, number: number): CardSummary | undefined {
		return this.#drawnAll.find((card) => card.number === number && card.repo_id === repoId);
	}

	/** Is the server still to answer about this card? */
	isPending(id: string): boolean {
		return this.#expected.has(id);
	}

	async load(): Promise<void> {
		this.#loading?.abort();
		const loading = (this.#loading = new AbortController());
		this.#arrived.clear();
		try {
			const snapshot = await this.list(this.repoId, loading.signal);
			// After the snapshot, whose cursor it is: what changes between the two is told by the feed.
			const archive = this.#wantsArchive
				? await this.list(this.repoId, loading.signal, 'only')
				: { items: [] };
			if (loading.signal.aborted) return;
			const facts = new Map(snapshot.items.map((card) => [card.id, card]));
			for (const card of archive.items) {
				if ((facts.get(card.id)?.version ?? 0) <= card.version) facts.set(card.id, card);
			}
			for (const [id, card] of this.#arrived) {
				if ((facts.get(id)?.version ?? 0) <= card.version) facts.set(id, card);
			}
			for (const id of this.#removed) facts.delete(id);
			this.#facts = facts;
			this.#cursor = snapshot.cursor;
			this.loaded = true;
			this.failure = null;
		} catch (error) {
			if (!loading.signal.aborted) this.failure = sentence(error);
		} finally {
			if (this.#loading === loading) this.#loading = null;
		}
	}

	/** Read the archive, once; from then on it is kept as true as the board. */
	async loadArchive(): Promise<void> {
		if (this.#wantsArchive) return;
		this.#wantsArchive = true;
		try {
			const { items } = await this.list(this.repoId, undefined, 'only');
			const facts = new Map(this.#facts);
			for (const card of items) {
				if (this.#removed.has(card.id)) continue;
				if ((facts.get(card.id)?.version ?? 0) <= card.version) facts.set(card.id, card);
			}
			this.#facts = facts;
		} catch (error) {
			this.#wantsArchive = false;
			throw error;
		}
	}

	/** A fact from the server, unless a newer one is known. */
	put(card: CardSummary): void {
		if (this.repoId !== null && card.repo_id !== this.repoId) return;
		if (this.#removed.has(card.id)) return;
		const known = this.#facts.get(card.id);
		if (known && known.version > card.version) return;
		this.#facts = new Map(this.#facts).set(card.id, card);
		this.#forgetStanding(card.live?.job_id);
		if (this.#loading) this.#arrived.set(card.id, card);
	}

	remove(id: string): void {
		this.#removed.add(id);
		if (!this.#facts.has(id)) return;
		const facts = new Map(this.#facts);
		facts.delete(id);
		this.#facts = facts;
	}

	/** Where the queued cards stand now; of the others nothing is kept. */
	stand(queue: readonly Waiting[]): void {
		this.#standings = new Map(
			queue.map(({ job_id, queue_position, held_by }) => [job_id, { queue_position, held_by }]),
		);
	}

	/** What a newer fact says counts. */
	#forgetStanding(jobId: string | undefined): void {
		if (!jobId || !this.#standings.has(jobId)) return;
		const standings = new Map(this.#standings);
		standings.delete(jobId);
		this.#standings = standings;
	}

	/**
	 * Draw `change` at once, ask the server, then show its answer. Raises what the server raised,
	 * after taking the expectation back.
	 */
	async expect<T extends CardSummary>(
		id: string,
		change: Expectation,
		ask: () => Promise<T>,
	): Promise<T> {
		this.#expected = new Map(this.#expected).set(id, change);
		try {
			const answer = await ask();
			this.put(answer);
			return answer;
		} finally {
			if (this.#expected.get(id) === change) {
				const expected = new Map(this.#expected);
				expected.delete(id);
				this.#expected = expected;
			}
		}
	}

	event(event: LiveEvent): void {
		if (event.type === 'card.deleted') this.remove(event.data.id ?? event.subject ?? '');
		else if (event.type === 'repo.deleted') this.#forgetRepo(event.data.id ?? event.subject);
		else if (event.data.card) this.put(event.data.card);
	}

	#forgetRepo(repoId: string | null): void {
		for (const card of this.#facts.values()) if (card.repo_id === repoId) this.remove(card.id);
	}

	refresh(cursor: string): void {
		if (this.#loading && !this.loaded) return; // the first snapshot is on its way
		if (!covers(this.#cursor, cursor)) void this.load();
	}

	dispose(): void {
		this.#loading?.abort();
	}
}

/** Does a snapshot read at `snapshot` already contain everything up to `feed`? */
export function covers(snapshot: string | null, feed: string): boolean {
	if (snapshot === null) return false;
	const [epoch, id] = snapshot.split(':');
	const [feedEpoch, feedId] = feed.split(':');
	return epoch === feedEpoch && Number(id) >= Number(feedId);
}
