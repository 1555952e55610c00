import { beforeEach, describe, expect, it, vi } from 'vitest';
import { deleteView, saveView, updateView } from '#lib/api/views.ts';
import type { LiveEvent, SavedView } from '#lib/api/types.ts';
import { CardStore } from '#lib/live/cards.svelte.ts';
import { ViewStore } from '#lib/live/views.svelte.ts';
import { toast } from '#lib/ui/toast.svelte.ts';
import { Board } from './board.svelte.ts';
import { Views } from './views.svelte.ts';

vi.mock('#lib/api/cards.ts');
vi.mock('#lib/api/views.ts');
vi.mock('#lib/ui/toast.svelte.ts', () => ({ toast: vi.fn() }));

const view = (id: string, name: string, repo_id: string | null = 'r1'): SavedView => ({
	id,
	name,
	repo_id,
	query: `label:${name}`,
	created_at: '',
});
async function viewsOf(...items: SavedView[]) {
	const store = new ViewStore(async () => items);
	await store.refresh();
	const ports = { open: vi.fn(), focus: vi.fn(), repoName: (id: string) => id };
	const board = new Board(new CardStore('r1'), ports);
	return { store, board, views: new Views(board, store) };
}

beforeEach(() => vi.clearAllMocks());

describe('Views', () => {
	it('are those of this board, and write their filter into it', async () => {
		const { board, views } = await viewsOf(view('1', 'ui'), view('2', 'ui', null));
		expect(views.all.map(({ id }) => id)).toEqual(['1']);
		expect(views.current).toBeUndefined();
		views.commands[0]?.run();
		expect(board.query).toBe('label:ui');
		expect(views.current?.id).toBe('1');
		expect(views.canSave).toBe(false);
	});

	it('keep a filter under a name, or say why not', async () => {
		const { board, views } = await viewsOf();
		expect(views.canSave).toBe(false);
		board.query = ' label:api ';
		vi.mocked(saveView).mockRejectedValueOnce(new Error('Taken.'));
		expect(await views.save('Mine')).toBe(false);
		expect(views.refusal).toBe('Taken.');
		vi.mocked(saveView).mockResolvedValue(view('3', 'api'));
		expect(await views.save(' Mine ')).toBe(true);
		expect(saveView).toHaveBeenLastCalledWith('Mine', 'label:api', 'r1');
		expect(views.current?.id).toBe('3');
		expect(views.refusal).toBeNull();
	});

	it('are renamed, and only when the name is another', async () => {
		const { views } = await viewsOf(view('1', 'ui'));
		const [ui] = views.all as [SavedView];
		await views.rename(ui, ' ');
		await views.rename(ui, 'ui');
		expect(updateView).not.toHaveBeenCalled();
		vi.mocked(updateView).mockResolvedValue({ ...ui, name: 'Design' });
		await views.rename(ui, 'Design');
		expect(views.all[0]?.name).toBe('Design');
	});

	it('are deleted, and come back when that was a mistake', async () => {
		const { views } = await viewsOf(view('1', 'ui'));
		await views.remove(views.all[0] as SavedView);
		expect(deleteView).toHaveBeenCalledWith('1');
		expect(views.all).toEqual([]);
		vi.mocked(saveView).mockResolvedValue(view('2', 'ui'));
		vi.mocked(toast).mock.calls[0]?.[1]?.action?.run();
		await vi.waitFor(() => expect(views.all.map(({ id }) => id)).toEqual(['2']));
	});

	it('follow what other browsers do', async () => {
		const { store, views } = await viewsOf(view('1', 'ui'), view('2', 'api'));
		const told = (type: string, data: LiveEvent['data']) =>
			store.event({ type, data, subject: null } as LiveEvent);
		told('view.saved', { view: { ...view('1', 'ui'), name: 'Zoo' } });
		expect(views.all.map(({ name }) => name)).toEqual(['api', 'Zoo']);
		told('view.deleted', { id: '1' });
		expect(views.all.map(({ id }) => id)).toEqual(['2']);
		told('repo.deleted', { id: 'r1' });
		expect(views.all).toEqual([]);
	});
});
