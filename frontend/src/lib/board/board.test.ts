import { beforeEach, describe, expect, it, vi } from 'vitest';
import { moveCard, startCard } from '#lib/api/cards.ts';
import { ApiError } from '#lib/api/http.ts';
import type { Card, CardSummary } from '#lib/api/types.ts';
import { aLive } from '#lib/live/blank.ts';
import { CardStore } from '#lib/live/cards.svelte.ts';
import { aCard } from '#lib/live/factories.ts';
import { questions } from '#lib/ui/question.svelte.ts';
import { toast } from '#lib/ui/toast.svelte.ts';
import { Board } from './board.svelte.ts';
import { expectation } from './expectation.ts';

vi.mock('#lib/api/cards.ts');
vi.mock('#lib/ui/toast.svelte.ts', () => ({ toast: vi.fn() }));

const open = vi.fn();
const focus = vi.fn();

async function boardOf(...cards: CardSummary[]): Promise<Board> {
	const store = new CardStore('r1', async () => ({ items: cards, cursor: 'e:1' }));
	await store.load();
	return new Board(store, { open, focus, repoName: (id) => id });
}
const card = (id: string, fields: Partial<CardSummary> = {}) =>
	aCard({ id, number: Number(id.slice(1)), position: Number(id.slice(1)), ...fields });
/** The server's answer, when the test wants it. */
function later() {
	let answer = (_card: CardSummary): void => undefined;
	let refuse = (_error: unknown): void => undefined;
	const promise = new Promise<Card>((resolve, reject) => {
		answer = (given) => resolve(given as Card);
		refuse = reject;
	});
	return { promise, answer, refuse };
}
const settled = () => new Promise((done) => setTimeout(done));

beforeEach(() => vi.clearAllMocks());

describe('walking', () => {
	it('goes down and up a column and stops at its ends', async () => {
		const board = await boardOf(card('c1'), card('c2'));
		board.walk(1);
		expect(board.selectedId).toBe('c1');
		board.walk(1);
		board.walk(1);
		expect(board.selectedId).toBe('c2');
		board.walk(-1);
		expect(focus).toHaveBeenLastCalledWith('c1');
	});

	it('skips columns without cards and keeps about the height', async () => {
		const board = await boardOf(card('c1'), card('c2'), card('c3', { status: 'done' }));
		board.select('c2');
		board.walkColumn(1);
		expect(board.selectedId).toBe('c3');
	});

	it('never lands on a card that the filter hides', async () => {
		const board = await boardOf(card('c1', { title: 'Cart' }), card('c2', { title: 'Search' }));
		board.select('c2');
		board.query = 'cart';
		expect(board.tabStop).toBe('c1');
		board.walk(1);
		expect(board.selectedId).toBe('c1');
	});
});

describe('commands', () => {
	it('draws the likely outcome at once and takes the answer of the server', async () => {
		const board = await boardOf(card('c1'));
		const server = later();
		vi.mocked(startCard).mockReturnValue(server.promise);
		board.start(card('c1'));
		expect(board.grouped.in_progress.map(({ id }) => id)).toEqual(['c1']);
		expect(board.store.isPending('c1')).toBe(true);
		server.answer(card('c1', { status: 'in_progress', version: 2, position: 7 }));
		await settled();
		expect(board.store.isPending('c1')).toBe(false);
		expect(board.store.get('c1')?.position).toBe(7);
	});

	it('draws a started card at the end of the queue', async () => {
		const board = await boardOf(card('c1'), card('c2', { status: 'in_progress' }));
		vi.mocked(startCard).mockReturnValue(later().promise);
		board.start(card('c1'));
		expect(board.grouped.in_progress.map(({ id }) => id)).toEqual(['c2', 'c1']);
	});

	it('puts the card back and says why when the server refuses', async () => {
		const board = await boardOf(card('c1'));
		const server = later();
		vi.mocked(startCard).mockReturnValue(server.promise);
		board.start(card('c1'));
		const problem = { title: '', status: 409, detail: 'It runs already.', code: 'x' };
		server.refuse(new ApiError(problem));
		await settled();
		expect(board.store.get('c1')?.status).toBe('todo');
		expect(toast).toHaveBeenCalledWith(
			'#1 stays where it was.',
			expect.objectContaining({ detail: 'It runs already.' }),
		);
	});

	it('expects a queued card to be back at once, and a running one to stop first', () => {
		expect(expectation('cancel', card('c1'))).toEqual({ status: 'todo', live: null });
		const running = card('c1', { live: aLive({ job_status: 'running' }) });
		expect(expectation('cancel', running)).toEqual({ stopping: true });
	});
});

describe('dropping', () => {
	it('asks for the command of the column, at the place of the drop', async () => {
		const board = await boardOf(
			card('c1'),
			card('c2', { status: 'in_progress' }),
			card('c3', { status: 'in_progress' }),
		);
		vi.mocked(moveCard).mockReturnValue(later().promise);
		board.drop(card('c1'), 'in_progress', 1);
		expect(moveCard).toHaveBeenCalledWith('c1', expect.objectContaining({ status: 'in_progress' }));
		expect(board.grouped.in_progress.map(({ id }) => id)).toEqual(['c2', 'c1', 'c3']);
	});

	it('opens the review instead of approving unseen', async () => {
		const reviewed = card('c1', { status: 'in_review' });
		const board = await boardOf(reviewed);
		board.drop(reviewed, 'done');
		expect(open).toHaveBeenCalledWith(reviewed, 'review');
		expect(moveCard).not.toHaveBeenCalled();
	});

	it('refuses with the reason what the server would refuse', async () => {
		const board = await boardOf(card('c1'));
		board.drop(card('c1'), 'failed');
		expect(toast).toHaveBeenCalledWith('A card gets here only when its run fails.');
		expect(board.store.isPending('c1')).toBe(false);
	});

	it('asks for nothing when the card stays where it is', async () => {
		const board = await boardOf(card('c1'), card('c2'));
		board.drop(card('c1'), 'todo', 1);
		expect(moveCard).not.toHaveBeenCalled();
	});

	it('moves a card by keys within its column, and not past its ends', async () => {
		const board = await boardOf(card('c1'), card('c2'));
		vi.mocked(moveCard).mockReturnValue(later().promise);
		board.nudge(card('c1'), -1);
		expect(moveCard).not.toHaveBeenCalled();
		board.nudge(card('c1'), 1);
		expect(board.grouped.todo.map(({ id }) => id)).toEqual(['c2', 'c1']);
	});

	it('rejects only after a word, and puts back what failed without one', async () => {
		const board = await boardOf(
			card('c1', { status: 'in_review' }),
			card('c2', { status: 'failed' }),
		);
		vi.mocked(moveCard).mockReturnValue(later().promise);
		board.drop(card('c1', { status: 'in_review' }), 'todo');
		expect(questions.asked?.title).toBe('Reject #1?');
		questions.answer(false);
		await settled();
		expect(moveCard).not.toHaveBeenCalled();
		board.drop(card('c1', { status: 'in_review' }), 'todo');
		questions.answer(true);
		await settled();
		expect(moveCard).toHaveBeenCalledWith('c1', { status: 'todo' });
		board.drop(card('c2', { status: 'failed' }), 'todo');
		expect(questions.asked).toBeNull();
	});

	it('shifts a card to the next column that takes it', async () => {
		const failed = card('c1', { status: 'failed' });
		const board = await boardOf(failed);
		vi.mocked(moveCard).mockReturnValue(later().promise);
		board.shift(failed, -1);
		expect(moveCard).toHaveBeenCalledWith('c1', expect.objectContaining({ status: 'in_progress' }));
	});
});
