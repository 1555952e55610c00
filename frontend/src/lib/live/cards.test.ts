import { describe, expect, it } from 'vitest';
import type { CardSummary, LiveEvent } from '#lib/api/types.ts';
import { aCard } from './factories.ts';
import { CardStore, covers } from './cards.svelte.ts';

function loaded(...cards: CardSummary[]): CardStore {
	const store = new CardStore('r1');
	for (const card of cards) store.put(card);
	return store;
}

const eventAbout = (card: CardSummary): LiveEvent => ({
	id: 1,
	cursor: 'e:1',
	at: '',
	type: 'card.updated',
	family: 'card_updated',
	actor: null,
	subject: card.id,
	version: card.version,
	data: { card },
});

describe('CardStore', () => {
	it('keeps the newer fact, whichever arrives last', () => {
		const store = loaded(aCard({ version: 3, title: 'new' }));
		store.event(eventAbout(aCard({ version: 2, title: 'old' })));
		expect(store.get('c1')?.title).toBe('new');
		store.event(eventAbout(aCard({ version: 3, title: 'same version, later word' })));
		expect(store.get('c1')?.title).toBe('same version, later word');
	});

	it('ignores the cards of other repositories', () => {
		const store = loaded();
		store.put(aCard({ repo_id: 'r2' }));
		expect(store.all).toEqual([]);
	});

	it('takes the cards of all repositories when it is of none, until one is deleted', () => {
		const store = new CardStore(null);
		store.put(aCard({ id: 'c1', repo_id: 'r1' }));
		store.put(aCard({ id: 'c2', repo_id: 'r2' }));
		expect(store.byNumber('r2', 1)?.id).toBe('c2');
		const gone = { ...eventAbout(aCard()), type: 'repo.deleted', data: { id: 'r1' } };
		store.event(gone);
		expect(store.all.map(({ id }) => id)).toEqual(['c2']);
	});

	it('keeps archived cards apart, and moves them with what is told of them', async () => {
		const old = aCard({ id: 'c9', archived_at: '2026-11-02' });
		const asked: unknown[] = [];
		const store = new CardStore('r1', async (_repo, _signal, archived) => {
			asked.push(archived);
			return { items: archived === 'only' ? [old] : [aCard()], cursor: 'e:1' };
		});
		await store.load();
		expect(asked).toEqual([undefined]);
		await store.loadArchive();
		await store.loadArchive();
		expect(asked).toEqual([undefined, 'only']);
		expect([store.all.length, store.archived.length]).toEqual([1, 1]);
		store.event(eventAbout(aCard({ version: 2, archived_at: '2026-11-03' })));
		expect([store.all.length, store.archived.length]).toEqual([0, 2]);
		await store.load(); // a reconnection reads both
		expect(asked.at(-1)).toBe('only');
		expect(store.archived.map(({ id }) => id)).toContain('c9');
	});

	it('draws an expectation at once and the answer afterwards', async () => {
		const store = loaded(aCard({ status: 'todo' }));
		let answer!: (card: CardSummary) => void;
		const asked = store.expect('c1', { status: 'in_progress' }, () => {
			return new Promise<CardSummary>((resolve) => (answer = resolve));
		});
		expect(store.get('c1')?.status).toBe('in_progress');
		expect(store.isPending('c1')).toBe(true);
		answer(aCard({ status: 'in_progress', version: 2 }));
		await asked;
		expect(store.get('c1')).toMatchObject({ status: 'in_progress', version: 2 });
		expect(store.isPending('c1')).toBe(false);
	});

	it('takes a refused expectation back and raises the reason', async () => {
		const store = loaded(aCard({ status: 'todo' }));
		const asked = store.expect('c1', { status: 'done' }, () => Promise.reject(new Error('no')));
		await expect(asked).rejects.toThrow('no');
		expect(store.get('c1')?.status).toBe('todo');
	});

	it('lets an event through while an expectation stands', async () => {
		const store = loaded(aCard({ status: 'todo', title: 'a' }));
		const asked = store.expect('c1', { status: 'in_progress' }, async () =>
			aCard({ status: 'in_progress', version: 3, title: 'c' }),
		);
		store.event(eventAbout(aCard({ status: 'todo', version: 2, title: 'b' })));
		expect(store.get('c1')).toMatchObject({ status: 'in_progress', title: 'b' });
		await asked;
		expect(store.get('c1')).toMatchObject({ title: 'c' });
	});

	it('keeps what arrived while the snapshot was on its way', async () => {
		let answer!: (items: CardSummary[]) => void;
		const store = new CardStore('r1', async () => ({
			items: await new Promise<CardSummary[]>((resolve) => (answer = resolve)),
			cursor: 'e:1',
		}));
		const loading = store.load();
		store.put(aCard({ id: 'c2', version: 1 }));
		store.remove('c3');
		answer([aCard(), aCard({ id: 'c3' })]);
		await loading;
		expect(store.all.map((card) => card.id)).toEqual(['c1', 'c2']);
	});

	it('reads again only when its snapshot is older than the feed', async () => {
		let reads = 0;
		const store = new CardStore('r1', async () => ({ items: [], cursor: `e:${++reads * 10}` }));
		await store.load();
		store.refresh('e:10');
		expect(reads).toBe(1);
		store.refresh('e:11');
		expect(reads).toBe(2);
	});
});

describe('covers', () => {
	it('compares within one epoch only', () => {
		expect(covers('a:5', 'a:5')).toBe(true);
		expect(covers('a:4', 'a:5')).toBe(false);
		expect(covers('a:9', 'b:5')).toBe(false);
		expect(covers(null, 'b:5')).toBe(false);
	});
});
