import { beforeEach, describe, expect, it, vi } from 'vitest';
import { listCards } from '#lib/api/cards.ts';
import { readAhead, takeCards } from './ahead.ts';

vi.mock('#lib/api/cards.ts');
vi.mock('./last-repo.ts', () => ({ lastRepo: () => ({ id: 'r1', name: 'demo' }) }));

beforeEach(() => {
	vi.clearAllMocks();
	vi.mocked(listCards).mockResolvedValue({ items: [], cursor: 'e:1' });
});

describe('readAhead', () => {
	it('asks early and gives the answer out once', async () => {
		readAhead('/r/demo/c/3');
		expect(listCards).toHaveBeenCalledTimes(1);
		await takeCards('r1');
		expect(listCards).toHaveBeenCalledTimes(1);
		await takeCards('r1');
		expect(listCards).toHaveBeenCalledTimes(2);
	});

	it('asks for nothing when the address names another board, or none', () => {
		readAhead('/r/other');
		readAhead('/settings');
		expect(listCards).not.toHaveBeenCalled();
	});

	it('asks for the board of all repositories, too', async () => {
		readAhead('/all');
		expect(listCards).toHaveBeenLastCalledWith(null);
		await takeCards(null);
		expect(listCards).toHaveBeenCalledTimes(1);
	});

	it('is not taken for the archive', async () => {
		readAhead('/r/demo');
		await takeCards('r1', undefined, 'only');
		expect(listCards).toHaveBeenLastCalledWith('r1', undefined, 'only');
	});

	it('is of no use to another repository', async () => {
		readAhead('/r/demo');
		await takeCards('r2');
		expect(listCards).toHaveBeenLastCalledWith('r2');
	});
});
