/**
 * The board of one repository: what is shown, what is selected, and what a person asks of a card.
 *
 * Knows no DOM: it says where the focus and the address should go, components take them there.
 */

import {
	cancelCard,
	deleteCard,
	moveCard,
	rejectCard,
	reopenCard,
	retryCard,
	startCard,
} from '#lib/api/cards.ts';
import { sentence } from '#lib/api/http.ts';
import type { CardStatus, CardSummary } from '#lib/api/types.ts';
import type { CardStore, Expectation } from '#lib/live/cards.svelte.ts';
import { aLive } from '#lib/live/blank.ts';
import { consent } from '#lib/live/consent.svelte.ts';
import { announce } from '#lib/ui/announcer.svelte.ts';
import { toast } from '#lib/ui/toast.svelte.ts';
import { COLUMNS, columnOf, group } from './columns.ts';
import { isEmpty, matches, parseFilter } from './filter.ts';
import { moveTo, nextColumn, type CardCommand } from './moves.ts';
import { isSameSpot, spotAt, type Spot } from './placement.ts';

export type OpenPurpose = 'review' | 'request-changes' | 'activity';

export interface BoardPorts {
	/** Bring the card's sheet up. */
	open(card: CardSummary, purpose?: OpenPurpose): void;
	/** Put the keyboard's focus on the card. */
	focus(id: string): void;
}

export class Board {
	query = $state('');
	selectedId = $state<string | null>(null);
	draggedId = $state<string | null>(null);

	readonly filter = $derived(parseFilter(this.query));
	readonly isFiltered = $derived(!isEmpty(this.filter));
	/** Every card by column: what counts and limits are about. */
	readonly grouped = $derived.by(() => group(this.store.all));
	/** The cards that pass the filter. */
	readonly shown = $derived.by(() =>
		this.isFiltered
			? group(this.store.all.filter((card) => matches(this.filter, card)))
			: this.grouped,
	);
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

	constructor(
		readonly store: CardStore,
		private readonly ports: BoardPorts,
	) {}

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
		this.#ask(card, expected, () => moveCard(card.id, { status, ...spot.placement }));
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
	cancel(card: CardSummary): void {
		this.#command(card, 'cancel', () => cancelCard(card.id));
	}
	reject(card: CardSummary): void {
		this.#command(card, 'reject', () => rejectCard(card.id));
	}
	reopen(card: CardSummary): void {
		this.#command(card, 'reopen', () => reopenCard(card.id));
	}

	async remove(card: CardSummary): Promise<boolean> {
		try {
			await deleteCard(card.id);
			this.store.remove(card.id);
			void toast(`Deleted #${card.number}.`);
			return true;
		} catch (error) {
			void toast(`#${card.number} was not deleted.`, { detail: sentence(error), tone: 'bad' });
			return false;
		}
	}

	open(card: CardSummary, purpose?: OpenPurpose): void {
		this.ports.open(card, purpose);
	}

	#command(card: CardSummary, command: CardCommand, ask: () => Promise<CardSummary>): void {
		const position = this.#entrance(card, command);
		this.#ask(card, { ...expectation(command, card), position }, ask);
	}

	/** On top of the column, but at the end of In Progress, which is the queue. */
	#entrance(card: CardSummary, command: CardCommand): number {
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
			announce(`#${card.number} moves to ${columnOf(expected.status).title}`);
		}
		this.store.expect(card.id, expected, ask).catch((error: unknown) => {
			void toast(`#${card.number} stays where it was.`, { detail: sentence(error), tone: 'bad' });
		});
		if (this.selectedId === card.id) queueMicrotask(() => this.ports.focus(card.id));
	}
}

/** What a card most likely looks like after a command, until the server says. */
export function expectation(command: CardCommand, card: CardSummary): Expectation {
	switch (command) {
		case 'start':
		case 'retry':
			return {
				status: 'in_progress',
				failure: null,
				live: aLive({ phase: 'queued', queued_at: new Date().toISOString() }),
			};
		case 'cancel':
			return card.live?.job_status === 'running'
				? { stopping: true }
				: { status: 'todo', live: null };
		case 'reject':
		case 'reopen':
			return { status: 'todo', live: null, failure: null };
	}
}
