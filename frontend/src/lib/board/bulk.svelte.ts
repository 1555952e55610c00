/**
 * What is asked of all marked cards at once. Each card is a request and a transaction of its own, so that
 * one refusal hinders no other; what came of them is told once. Commands go out in the order of the board,
 * which is then the order of the queue; mere edits a few at a time.
 */

import { archiveCard, moveCard, unarchiveCard, updateCard } from '#lib/api/cards.ts';
import { sentence } from '#lib/api/http.ts';
import type { CardStatus, CardSummary } from '#lib/api/types.ts';
import type { Expectation } from '#lib/live/cards.svelte.ts';
import { consent } from '#lib/live/consent.svelte.ts';
import { toast } from '#lib/ui/toast.svelte.ts';
import type { Board } from './board.svelte.ts';
import { columnOf } from './columns.ts';
import { expectation } from './expectation.ts';
import { moveTo } from './moves.ts';
import { mayReject } from './reject.ts';

/** How many edits are under way together: as many as a browser has connections to one server. */
const LANES = 6;
/** More refusals than these are counted, not named. */
const NAMED = 8;

/** What to ask of one card, or why not. */
type Step = { change: Expectation; ask: () => Promise<CardSummary> } | string;

interface Outcome {
	card: CardSummary;
	refused: string | null;
}

interface Manner {
	/** "3 started": what happened, in a word. */
	word: string;
	lanes?: number;
	undo?: (cards: CardSummary[]) => void;
}

export class Bulk {
	/** How far the present one has come. */
	progress = $state<{ done: number; total: number } | null>(null);

	constructor(private readonly board: Board) {}

	start(): Promise<void> {
		return this.move('in_progress', 'started');
	}

	/** As if each were dropped there. */
	async move(status: CardStatus, word = `moved to ${columnOf(status).title}`): Promise<void> {
		const cards = this.board.marked;
		const starts = status === 'in_progress' && cards.some((card) => this.canMove(card, status));
		if (starts && !(await consent.obtain())) return;
		const rejected = status === 'todo' ? cards.filter((card) => card.status === 'in_review') : [];
		const name = rejected.length === 1 ? '1 card' : `${rejected.length} cards`;
		if (!(await mayReject(rejected, name))) return;
		await this.#run(cards, (card) => this.#moving(card, status), { word, lanes: 1 });
		this.board.leaveIfEmpty(status);
	}

	/** Would the card go there without a word or a look? */
	canMove(card: CardSummary, status: CardStatus): boolean {
		return moveTo(card, status).kind === 'command';
	}

	setPriority(priority: number): Promise<void> {
		const step = (card: CardSummary): Step => ({
			change: { priority },
			ask: () => updateCard(card.id, { priority }),
		});
		const undo = (cards: CardSummary[]) =>
			void this.#putBack(cards, ({ priority }) => ({ priority }));
		return this.#run(this.board.marked, step, { word: 'changed', undo });
	}

	/** As the cards were before the change. */
	#putBack(
		cards: readonly CardSummary[],
		pick: (card: CardSummary) => Partial<Pick<CardSummary, 'priority' | 'labels'>>,
	): Promise<void> {
		const step = (card: CardSummary): Step => ({
			change: pick(card),
			ask: () => updateCard(card.id, pick(card)),
		});
		return this.#run(cards, step, { word: 'as before' });
	}

	/** Labels to add and labels to take away; a card that has them so already is left alone. */
	setLabels(added: readonly string[], removed: readonly string[]): Promise<void> {
		const cards = this.board.marked.filter(
			({ labels }) =>
				added.some((label) => !labels.includes(label)) ||
				removed.some((label) => labels.includes(label)),
		);
		const step = (card: CardSummary): Step => {
			const kept = card.labels.filter((label) => !removed.includes(label));
			const labels = [...new Set([...kept, ...added])];
			return { change: { labels }, ask: () => updateCard(card.id, { labels }) };
		};
		const undo = (done: CardSummary[]) => void this.#putBack(done, ({ labels }) => ({ labels }));
		return this.#run(cards, step, { word: 'changed', undo });
	}

	archive(cards: readonly CardSummary[] = this.board.marked): Promise<void> {
		const step = (card: CardSummary): Step => {
			if (card.status !== 'done') return 'Only done cards are archived.';
			const change = { archived_at: new Date().toISOString() };
			return { change, ask: () => archiveCard(card.id) };
		};
		const undo = (archived: CardSummary[]) => void this.unarchive(archived);
		return this.#run(cards, step, { word: 'archived', undo });
	}

	unarchive(cards: readonly CardSummary[] = this.board.marked): Promise<void> {
		const step = (card: CardSummary): Step => ({
			change: { archived_at: null },
			ask: () => unarchiveCard(card.id),
		});
		return this.#run(cards, step, { word: 'back on the board' });
	}

	#moving(card: CardSummary, status: CardStatus): Step {
		const move = moveTo(card, status);
		if (move.kind === 'refused') return move.reason;
		if (move.kind === 'place') return `It is in ${columnOf(status).title} already.`;
		if (move.kind === 'open') {
			return status === 'done'
				? 'Approving needs a look at its changes: open it.'
				: 'Say what should change: open it.';
		}
		const position = this.board.entrance(card, move.command);
		return {
			change: { ...expectation(move.command, card), position },
			ask: () => moveCard(card.id, { status }),
		};
	}

	async #run(
		cards: readonly CardSummary[],
		step: (card: CardSummary) => Step,
		{ word, lanes = LANES, undo }: Manner,
	): Promise<void> {
		if (this.progress || cards.length === 0) return;
		this.progress = { done: 0, total: cards.length };
		const turn = turns(lanes);
		// All are drawn at once; each is asked when it has its turn.
		const outcomes = await Promise.all(
			cards.map(async (card): Promise<Outcome> => {
				const wanted = step(card);
				try {
					if (typeof wanted === 'string') return { card, refused: wanted };
					await this.board.store.expect(card.id, wanted.change, () => turn(wanted.ask));
					return { card, refused: null };
				} catch (error) {
					return { card, refused: sentence(error) };
				} finally {
					if (this.progress) this.progress.done += 1;
				}
			}),
		);
		this.progress = null;
		this.#tell(outcomes, word, undo);
	}

	/** What was refused stays marked, to be looked at. */
	#tell(outcomes: Outcome[], word: string, undo: Manner['undo']): void {
		const done = outcomes.filter(({ refused }) => refused === null).map(({ card }) => card);
		this.board.marks.remove(done.map(({ id }) => id));
		const refused = outcomes.length - done.length;
		const named = (card: CardSummary) => this.board.nameOf(card);
		const only = outcomes.length === 1 && outcomes[0] && named(outcomes[0].card);
		const said = [
			done.length ? `${only || done.length} ${word}` : '',
			refused ? `${only || refused} refused` : '',
		];
		void toast(`${said.filter(Boolean).join(', ')}.`, {
			...(refused ? { detail: reasons(outcomes, named), tone: 'bad' as const } : {}),
			...(undo && done.length ? { action: { label: 'Undo', run: () => undo(done) } } : {}),
		});
	}
}

/** Each reason once, with the cards it is about: "#3, #4: It is in Done already." */
export function reasons(
	outcomes: readonly Outcome[],
	nameOf: (card: CardSummary) => string,
): string {
	const refused = outcomes.filter(({ refused: why }) => why !== null);
	const byReason = Map.groupBy(refused, ({ refused: why }) => why as string);
	return [...byReason]
		.map(([reason, those]) => {
			const named = those.slice(0, NAMED).map(({ card }) => nameOf(card));
			const more = those.length - named.length;
			return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}: ${reason}`;
		})
		.join(' ');
}

/** Lets so many run at a time, in the order in which they came. */
function turns(lanes: number): <T>(ask: () => Promise<T>) => Promise<T> {
	const waiting: (() => void)[] = [];
	let free = lanes;
	return async (ask) => {
		if (free > 0) free -= 1;
		else await new Promise<void>((go) => waiting.push(go));
		try {
			return await ask();
		} finally {
			const next = waiting.shift();
			if (next) next();
			else free += 1;
		}
	};
}
