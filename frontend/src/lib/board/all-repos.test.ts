import { describe, expect, it, vi } from 'vitest';
import { moveCard } from '#lib/api/cards.ts';
import type { Card, CardSummary } from '#lib/api/types.ts';
import { CardStore } from '#lib/live/cards.svelte.ts';
import { aCard } from '#lib/live/factories.ts';
import { toast } from '#lib/ui/toast.svelte.ts';
import { Board } from './board.svelte.ts';
import { columnOf, columnTitle } from './columns.ts';
import { findCards } from './find-cards.ts';

vi.mock('#lib/api/cards.ts');
vi.mock('#lib/ui/toast.svelte.ts', () => ({ toast: vi.fn() }));

const NAMES: Record<string, string> = { r1: 'shop', r2: 'docs' };
const card = (id: string, fields: Partial<CardSummary> = {}) => aCard({ id, ...fields });

async function boardOfAll(...cards: CardSummary[]): Promise<Board> {
	const store = new CardStore(null, async () => ({ items: cards, cursor: 'e:1' }));
	await store.load();
	const ports = { open: vi.fn(), focus: vi.fn(), repoName: (id: string) => NAMES[id] ?? '' };
	return new Board(store, ports);
}

describe('the board of all repositories', () => {
	it('names cards with their repository, and filters by it', async () => {
		const board = await boardOfAll(card('a'), card('b', { repo_id: 'r2', position: 2 }));
		expect(board.shown.todo.map((each) => board.nameOf(each))).toEqual(['shop #1', 'docs #1']);
		board.query = 'repo:docs';
		expect(board.shown.todo.map(({ id }) => id)).toEqual(['b']);
	});

	it('proposes the repository that is filtered for, else the selected card’s', async () => {
		const board = await boardOfAll(card('a'), card('b', { repo_id: 'r2' }));
		expect(board.likelyRepo).toBeUndefined();
		board.select('b');
		expect(board.likelyRepo).toBe('r2');
		board.query = 'repo:shop';
		expect(board.likelyRepo).toBe('shop');
	});

	it('places a card beside one of another repository', async () => {
		const board = await boardOfAll(card('a'), card('b', { repo_id: 'r2', position: 2 }));
		vi.mocked(moveCard).mockResolvedValue(card('a', { position: 3, version: 2 }) as Card);
		board.nudge(board.store.get('a') as CardSummary, 1);
		expect(moveCard).toHaveBeenCalledWith('a', { after: 'b' });
		await vi.waitFor(() => expect(board.shown.todo.map(({ id }) => id)).toEqual(['b', 'a']));
	});

	it('says of which repository’s card it speaks', async () => {
		const board = await boardOfAll(card('a'), card('b', { repo_id: 'r2' }));
		vi.mocked(moveCard).mockRejectedValue(new Error('No.'));
		for (const id of ['a', 'b']) board.marks.add(id);
		await board.bulk.start();
		expect(toast).toHaveBeenLastCalledWith('2 refused.', {
			detail: 'shop #1, docs #1: No.',
			tone: 'bad',
		});
	});

	it('knows where done cards are to be archived', async () => {
		const done = { status: 'done', repo_id: 'r2' } as const;
		const board = await boardOfAll(card('a'), card('b', done), card('c', done));
		expect(board.reposWithDone).toEqual(['r2']);
	});

	it('finds cards by the name of their repository, too', async () => {
		const board = await boardOfAll(card('a'), card('b', { repo_id: 'r2' }));
		expect(findCards(board, 'docs shipping').map(({ title }) => title)).toEqual([
			'docs #1 Show the shipping estimate',
		]);
		expect(findCards(board, ' ')).toEqual([]);
	});
});

describe('the column in view', () => {
	it('is left when a command has emptied it, and only then', async () => {
		const board = await boardOfAll(card('a', { status: 'in_progress' }));
		board.leaveIfEmpty('in_progress');
		expect(board.inView).toBe('in_progress');
		board.leaveIfEmpty('todo');
		expect(board.inView).toBe('in_progress');
	});

	it('is called Archive where the archive is shown', () => {
		expect(columnTitle(columnOf('done'), true)).toBe('Archive');
		expect(columnTitle(columnOf('done'), false)).toBe('Done');
		expect(columnTitle(columnOf('todo'), true)).toBe('To Do');
	});
});
