/**
 * The board of one repository, or of all: what is shown, what is selected, and what a person asks of a
 * card. What is asked of many at once is in `bulk.svelte.ts`.
 *
 * Knows no DOM: it says where the focus and the address should go, components take them there.
 */

import { deleteCard, moveCard, retryCard, startCard } from '#lib/api/cards.ts';
import { sentence } from '#lib/api/http.ts';
import type { CardStatus, CardSummary } from '#lib/api/types.ts';
import type { CardStore, Expectation } from '#lib/live/cards.svelte.ts';
import { consent } from '#lib/live/consent.svelte.ts';
import { announce } from '#lib/ui/announcer.svelte.ts';
import { toast } from '#lib/ui/toast.svelte.ts';
import { Bulk } from './bulk.svelte.ts';
import { COLUMNS, columnOf, group, newestArchivedFirst } from './columns.ts';
import { expectation } from './expectation.ts';
import { isEmpty, matches, parseFilter } from './filter.ts';
import { Marks } from './marks.svelte.ts';
import { moveTo, nextColumn, type CardCommand } from './moves.ts';
import { isSameSpot, spotAt, type Spot } from './placement.ts';
import { mayReject } from './reject.ts';

export type OpenPurpose = 'review' | 'request-changes' | 'activity';

export interface BoardPorts {
	/** Bring the card's sheet up. */
	open(card: CardSummary, purpose?: OpenPurpose): void;
	/** Put the keyboard's focus on the card. */
	focus(id: string): void;
	/** What a card's repository is called. */
	repoName(repoId: string): string;
}

export class Board {
	query = $state('');
	selectedId = $state<string | null>(null);
	draggedId = $state<string | null>(null);
	/** The column that a narrow page shows, where only one has room. */
	inView = $state<CardStatus>('todo');
	readonly marks = new Marks();
	readonly bulk = new Bulk(this);

	readonly filter = $derived(parseFilter(this.query));
	readonly isFiltered = $derived(!isEmpty(this.filter));
	/** Every card by column: what counts and limits are about. */
	readonly grouped = $derived.by(() => group(this.store.all));
	/** The cards that pass the filter, of the board or of the archive. */
	readonly shown = $derived.by(() => {
		const { filter, store } = this;
		if (!this.isFiltered) return this.grouped;
		const passes = (card: CardSummary) => matches(filter, card, this.repoName(card));
		if (!filter.archived) return group(store.all.filter(passes));
		return newestArchivedFirst(group(store.archived.filter(passes)));
	});
	readonly showsNothing = $derived(COLUMNS.every(({ status }) => this.shown[status].length === 0));
	/** What is shown and marked, column by column. */
	readonly marked = $derived.by(() => {
		if (this.marks.size === 0) return [];
		const shown = COLUMNS.flatMap((column) => this.shown[column.status]);
		return shown.filter((card) => this.marks.has(card.id));
	});
	readonly selected = $derived.by(() =>
		this.selectedId ? this.store.get(this.selectedId) : undefined,
	);
	readonly dragged = $derived.by(() =>
		this.draggedId ? this.store.get(this.draggedId) : undefined,
	);
	/** The one card that Tab reaches; the others are reached by keys from there. */
	readonly tabStop = $derived(
		(this.selected && this.isShown(this.selected) ? this.selected.id : null) ??
			COLUMNS.map((column) => this.shown[column.status][0]).find(Boolean)?.id,
	);

	/** Those of which a card is in Done. */
	readonly reposWithDone = $derived.by(() => [
		...new Set(this.grouped.done.map((card) => card.repo_id)),
	]);
	/** Where a new card most likely goes, by id or name: what is filtered for, else what is selected. */
	readonly likelyRepo = $derived(this.filter.repos[0] ?? this.selected?.repo_id);

	constructor(
		readonly store: CardStore,
		private readonly ports: BoardPorts,
	) {}

	repoName(card: CardSummary): string {
		return this.ports.repoName(card.repo_id);
	}

	/** What a card is called to people: numbers are a repository's own. */
	nameOf(card: CardSummary): string {
		return this.store.repoId === null
			? `${this.repoName(card)} #${card.number}`
			: `#${card.number}`;
	}

	// Walking

	select(id: string | null): void {
		this.selectedId = id;
	}

	/** To the next (1) or previous (-1) card of the column; the first card when none is selected. */
	walk(step: 1 | -1): void {
		const { selected } = this;
		if (!selected || !this.isShown(selected)) return this.#focus(this.tabStop);
		const column = this.shown[selected.status];
		const at = column.findIndex((card) => card.id === selected.id);
		this.#focus(column[Math.min(column.length - 1, Math.max(0, at + step))]?.id);
	}

	/** To the nearest column that has cards, at about the same height. */
	walkColumn(step: 1 | -1): void {
		const { selected } = this;
		if (!selected || !this.isShown(selected)) return this.#focus(this.tabStop);
		const height = this.shown[selected.status].findIndex((card) => card.id === selected.id);
		const from = COLUMNS.findIndex((column) => column.status === selected.status);
		for (let i = from + step; i >= 0 && i < COLUMNS.length; i += step) {
			const column = this.shown[(COLUMNS[i] as (typeof COLUMNS)[number]).status];
			if (column.length) return this.#focus(column[Math.min(height, column.length - 1)]?.id);
		}
	}

	/** As `walk`, marking the card that was left and the one that was reached. */
	walkMarking(step: 1 | -1): void {
		const from = this.selectedId;
		this.walk(step);
		for (const id of [from, this.selectedId]) if (id) this.marks.add(id);
	}

	/** Mark every card of the selected one's column, or of the first that shows any. */
	markColumn(): void {
		const { status } = this.selected ?? this.store.get(this.tabStop ?? '') ?? {};
		if (status) for (const card of this.shown[status]) this.marks.add(card.id);
	}

	toggleMark(card: CardSummary): void {
		this.marks.toggle(card.id);
		const verb = this.marks.has(card.id) ? 'selected' : 'not selected';
		announce(`${this.nameOf(card)} ${verb}, ${this.marked.length} in all`);
	}

	/** Mark what lies between the last marked card and this one, in their column. */
	markTo(card: CardSummary): void {
		this.marks.extend(
			this.shown[card.status].map(({ id }) => id),
			card.id,
		);
	}

	/** To this column, when nothing is left to see in the one that is in view. */
	leaveIfEmpty(status: CardStatus): void {
		if (this.shown[this.inView].length === 0 && this.shown[status].length > 0) this.inView = status;
	}

	#focus(id: string | undefined): void {
		if (!id) return;
		this.selectedId = id;
		this.ports.focus(id);
	}

	private isShown(card: CardSummary): boolean {
		return this.shown[card.status].some(({ id }) => id === card.id);
	}

	// Moving

	/** Put a card in front of `index` of a column: a drop, or a choice from the menu. */
	drop(card: CardSummary, status: CardStatus, index = 0): void {
		const move = moveTo(card, status);
		if (move.kind === 'refused') return void toast(move.reason);
		if (move.kind === 'open') return this.ports.open(card, move.purpose);
		const column = this.shown[status];
		if (move.kind === 'place') {
			if (isSameSpot(column, index, card.id)) return;
			return this.#place(card, spotAt(column, index, card.id));
		}
		const spot = spotAt(column, index, card.id);
		const expected = { ...expectation(move.command, card), position: spot.position };
		const ask = () =>
			this.#ask(card, expected, () => moveCard(card.id, { status, ...spot.placement }));
		if (move.command !== 'reject') return ask();
		void mayReject([card], this.nameOf(card)).then((yes) => yes && ask());
	}

	/** Alt+Left and Alt+Right: to the next column that takes the card. */
	shift(card: CardSummary, direction: 1 | -1): void {
		const status = nextColumn(card, direction);
		if (status) return this.drop(card, status);
		const at = COLUMNS.findIndex((column) => column.status === card.status);
		const wanted = COLUMNS[at + direction];
		if (wanted) this.drop(card, wanted.status);
	}

	/** Alt+Up and Alt+Down: within the column. */
	nudge(card: CardSummary, direction: 1 | -1): void {
		if (card.archived_at) return this.drop(card, card.status);
		const column = this.shown[card.status];
		const at = column.findIndex(({ id }) => id === card.id);
		const index = direction === -1 ? at - 1 : at + 2;
		if (index < 0 || index > column.length) return;
		this.#place(card, spotAt(column, index, card.id));
	}

	#place(card: CardSummary, spot: Spot): void {
		this.#ask(card, { position: spot.position }, () => moveCard(card.id, spot.placement));
	}

	// Commands

	start(card: CardSummary): void {
		this.#command(card, 'start', () => startCard(card.id));
	}
	retry(card: CardSummary): void {
		this.#command(card, 'retry', () => retryCard(card.id));
	}

	async remove(card: CardSummary): Promise<boolean> {
		try {
			await deleteCard(card.id);
			this.store.remove(card.id);
			void toast(`Deleted ${this.nameOf(card)}.`);
			return true;
		} catch (error) {
			void toast(`${this.nameOf(card)} was not deleted.`, { detail: sentence(error), tone: 'bad' });
			return false;
		}
	}

	open(card: CardSummary, purpose?: OpenPurpose): void {
		this.ports.open(card, purpose);
	}

	#command(card: CardSummary, command: CardCommand, ask: () => Promise<CardSummary>): void {
		const position = this.entrance(card, command);
		this.#ask(card, { ...expectation(command, card), position }, ask);
	}

	/** On top of the column, but at the end of In Progress, which is the queue. */
	entrance(card: CardSummary, command: CardCommand): number {
		const status = expectation(command, card).status ?? card.status;
		if (status === card.status) return card.position;
		const column = this.grouped[status];
		const index = status === 'in_progress' ? column.length : 0;
		return spotAt(column, index, card.id).position;
	}

	/** Draw it, ask, and when the server refuses, put it back and say why. */
	#ask(card: CardSummary, expected: Expectation, ask: () => Promise<CardSummary>): void {
		const isMove = expected.status !== undefined && expected.status !== card.status;
		if (isMove && expected.status === 'in_progress' && consent.isMissing) {
			void consent.obtain().then((yes) => yes && this.#ask(card, expected, ask));
			return;
		}
		if (isMove && expected.status) {
			announce(`${this.nameOf(card)} moves to ${columnOf(expected.status).title}`);
		}
		this.store.expect(card.id, expected, ask).catch((error: unknown) => {
			void toast(`${this.nameOf(card)} stays where it was.`, {
				detail: sentence(error),
				tone: 'bad',
			});
		});
		if (this.selectedId === card.id) queueMicrotask(() => this.ports.focus(card.id));
	}
}
