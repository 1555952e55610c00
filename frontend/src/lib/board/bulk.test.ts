import { beforeEach, describe, expect, it, vi } from 'vitest';
import { archiveCard, moveCard, unarchiveCard, updateCard } from '#lib/api/cards.ts';
import type { Card, CardSummary } from '#lib/api/types.ts';
import { CardStore } from '#lib/live/cards.svelte.ts';
import { consent } from '#lib/live/consent.svelte.ts';
import { aCard } from '#lib/live/factories.ts';
import { questions } from '#lib/ui/question.svelte.ts';
import { toast } from '#lib/ui/toast.svelte.ts';
import { Board } from './board.svelte.ts';
import { reasons } from './bulk.svelte.ts';

vi.mock('#lib/api/cards.ts');
vi.mock('#lib/ui/toast.svelte.ts', () => ({ toast: vi.fn() }));

const card = (number: number, fields: Partial<CardSummary> = {}) =>
	aCard({ id: `c${number}`, number, position: number, ...fields });

async function marked(...cards: CardSummary[]): Promise<Board> {
	const store = new CardStore('r1', async () => ({ items: cards, cursor: 'e:1' }));
	await store.load();
	const board = new Board(store, { open: vi.fn(), focus: vi.fn(), repoName: (id) => id });
	for (const { id } of cards) board.marks.add(id);
	return board;
}
const named = (card: CardSummary) => `#${card.number}`;
const answer = (fields: Partial<CardSummary>) => async (id: string) =>
	({ ...aCard({ id, version: 9, ...fields }) }) as Card;

beforeEach(() => vi.resetAllMocks());

describe('starting many', () => {
	it('asks in the order of the board, one after the other, and draws all at once', async () => {
		const board = await marked(card(3), card(1), card(2, { status: 'failed' }));
		const asked: string[] = [];
		let release = (): void => undefined;
		vi.mocked(moveCard).mockImplementation(async (id) => {
			asked.push(id);
			await new Promise<void>((go) => (release = go));
			return answer({ status: 'in_progress' })(id);
		});
		const done = board.bulk.start();
		await vi.waitFor(() => expect(asked).toEqual(['c1']));
		expect(board.grouped.in_progress.map(({ id }) => id)).toEqual(['c1', 'c3', 'c2']);
		for (const next of [
			['c1', 'c3'],
			['c1', 'c3', 'c2'],
		]) {
			release();
			await vi.waitFor(() => expect(asked).toEqual(next));
		}
		release();
		await done;
		expect(toast).toHaveBeenCalledWith('3 started.', {});
		expect(board.marks.size).toBe(0);
	});

	it('tells once what was refused, by whom it may be, and leaves that marked', async () => {
		const board = await marked(card(1), card(2), card(3, { status: 'done' }), card(4));
		vi.mocked(moveCard).mockImplementation(async (id) => {
			if (id === 'c4') throw new Error('It runs already.');
			return answer({ status: 'in_progress' })(id);
		});
		await board.bulk.start();
		expect(toast).toHaveBeenCalledTimes(1);
		expect(toast).toHaveBeenCalledWith('2 started, 2 refused.', {
			detail: '#4: It runs already. #3: This work is merged. Reopen the card first.',
			tone: 'bad',
		});
		expect(board.store.get('c4')?.status).toBe('todo');
		expect(board.marked.map(({ id }) => id)).toEqual(['c4', 'c3']);
	});

	it('asks once before it rejects', async () => {
		const board = await marked(card(1, { status: 'in_review' }), card(2, { status: 'in_review' }));
		const done = board.bulk.move('todo');
		expect(questions.asked?.title).toBe('Reject 2 cards?');
		questions.answer(false);
		await done;
		expect(moveCard).not.toHaveBeenCalled();
		expect(board.marks.size).toBe(2);
	});

	it('asks for nothing when the person does not want agents without isolation', async () => {
		const board = await marked(card(1));
		vi.spyOn(consent, 'obtain').mockResolvedValueOnce(false);
		await board.bulk.start();
		expect(moveCard).not.toHaveBeenCalled();
		expect(board.marks.size).toBe(1);
	});
});

describe('editing many', () => {
	it('leaves alone what has the labels already, and does not touch the others of a card', async () => {
		const board = await marked(card(1, { labels: ['ui', 'old'] }), card(2, { labels: ['api'] }));
		vi.mocked(updateCard).mockImplementation(async (id) => answer({})(id));
		await board.bulk.setLabels(['api'], ['old']);
		expect(updateCard).toHaveBeenCalledTimes(1);
		expect(updateCard).toHaveBeenCalledWith('c1', { labels: ['ui', 'api'] });
	});

	it('can be taken back: each card gets what it had', async () => {
		const board = await marked(card(1, { priority: 1 }), card(2, { priority: 3 }));
		vi.mocked(updateCard).mockImplementation(async (id) => answer({ priority: 4 })(id));
		await board.bulk.setPriority(4);
		const [, options] = vi.mocked(toast).mock.calls[0] ?? [];
		options?.action?.run();
		await vi.waitFor(() => expect(toast).toHaveBeenCalledTimes(2));
		expect(updateCard).toHaveBeenCalledWith('c1', { priority: 1 });
		expect(updateCard).toHaveBeenCalledWith('c2', { priority: 3 });
	});

	it('sends no more than six at a time', async () => {
		const board = await marked(...Array.from({ length: 9 }, (_, n) => card(n + 1)));
		const releases: (() => void)[] = [];
		vi.mocked(updateCard).mockImplementation(async (id) => {
			await new Promise<void>((go) => releases.push(go));
			return answer({ priority: 4 })(id);
		});
		const done = board.bulk.setPriority(4);
		await vi.waitFor(() => expect(releases).toHaveLength(6));
		releases[0]?.();
		await vi.waitFor(() => expect(releases).toHaveLength(7));
		expect(board.bulk.progress).toEqual({ done: 1, total: 9 });
		for (let n = 1; n < 9; n += 1) {
			await vi.waitFor(() => expect(releases.length).toBeGreaterThan(n));
			releases[n]?.();
		}
		await done;
		expect(board.bulk.progress).toBeNull();
	});
});

describe('the archive', () => {
	it('takes what is done off the board at once, and gives it back', async () => {
		const board = await marked(card(1, { status: 'done' }), card(2));
		vi.mocked(archiveCard).mockImplementation(answer({ status: 'done', archived_at: 'now' }));
		await board.bulk.archive();
		expect(board.grouped.done).toEqual([]);
		const [text, options] = vi.mocked(toast).mock.calls[0] ?? [];
		expect(text).toBe('1 archived, 1 refused.');
		vi.mocked(unarchiveCard).mockImplementation(answer({ status: 'done', version: 10 }));
		options?.action?.run();
		await vi.waitFor(() => expect(board.grouped.done).toHaveLength(1));
	});

	it('is shown by its filter, the newest first, and not moved about in', async () => {
		const board = await marked();
		for (const n of [1, 2]) board.store.put(card(n, { status: 'done', archived_at: `day ${n}` }));
		expect(board.shown.done).toEqual([]);
		board.query = 'is:archived';
		expect(board.shown.done.map(({ id }) => id)).toEqual(['c2', 'c1']);
		board.nudge(board.shown.done[0] as CardSummary, 1);
		expect(moveCard).not.toHaveBeenCalled();
	});
});

describe('marking', () => {
	it('is what the filter shows only', async () => {
		const board = await marked(card(1, { title: 'Cart' }), card(2, { title: 'Search' }));
		board.query = 'cart';
		expect(board.marked.map(({ id }) => id)).toEqual(['c1']);
	});

	it('goes along with walking, and takes a whole column', async () => {
		const board = await marked(card(1), card(2), card(3, { status: 'done' }));
		board.marks.clear();
		board.select('c1');
		board.walkMarking(1);
		expect(board.marked.map(({ id }) => id)).toEqual(['c1', 'c2']);
		board.marks.clear();
		board.markColumn();
		expect(board.marked.map(({ id }) => id)).toEqual(['c1', 'c2']);
	});
});

it('names each reason once, and not everyone whom it is about', () => {
	const refused = Array.from({ length: 10 }, (_, n) => ({ card: card(n + 1), refused: 'No.' }));
	expect(reasons(refused, named)).toBe('#1, #2, #3, #4, #5, #6, #7, #8 and 2 more: No.');
	expect(reasons([{ card: card(1), refused: null }], named)).toBe('');
});
