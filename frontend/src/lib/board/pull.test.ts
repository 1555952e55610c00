import { expect, it } from 'vitest';
import { aCard } from '#lib/live/factories.ts';
import { canClose, canPull, isPullShown, pullHost, pullNumber, pullWord } from './pull.ts';

const URL = 'https://github.com/ada/shop/pull/7';
const reviewed = aCard({ status: 'in_review', branch_name: 'lazyaf/1-fix' });
const pulled = { ...reviewed, pr_url: URL, pr_state: 'open' as const };

it('says how far it is, and warns of what its forge refuses', () => {
	expect(pullWord(reviewed)).toBeNull();
	expect(pullWord(pulled)).toMatchObject({ tone: 'ok', text: 'open' });
	expect(pullWord({ ...pulled, pr_state: null })).toMatchObject({ tone: 'dim' });
	expect(pullWord({ ...pulled, pr_note: 'The token is refused.' })).toEqual({
		tone: 'warn',
		text: 'open',
		title: 'The token is refused.',
	});
});

it('knows its number and its host by its address', () => {
	expect(
		[URL, 'https://git.a/b/c/-/merge_requests/12', 'https://git.a/b/c/pulls/3', 'x'].map(
			pullNumber,
		),
	).toEqual(['#7', '!12', '#3', '']);
	expect([pullHost(URL), pullHost('no address')]).toEqual(['github.com', '']);
});

it('is told of while somebody may still have to do something', () => {
	expect(isPullShown(reviewed)).toBe(false);
	expect(isPullShown({ ...pulled, pr_state: 'merged' })).toBe(true);
	expect(isPullShown({ ...pulled, status: 'done' })).toBe(true);
	expect(isPullShown({ ...pulled, status: 'done', pr_state: 'merged' })).toBe(false);
});

it('offers to close what was merged, and to open what is not or was closed', () => {
	expect([canClose(pulled), canClose({ ...pulled, pr_state: 'merged' })]).toEqual([false, true]);
	expect(canClose({ ...pulled, status: 'done', pr_state: 'merged' })).toBe(false);
	expect([canPull(reviewed, true), canPull(reviewed, false)]).toEqual([true, false]);
	expect([canPull(pulled, true), canPull({ ...pulled, pr_state: 'closed' }, true)]).toEqual([
		false,
		true,
	]);
	expect(canPull({ ...reviewed, no_changes: true }, true)).toBe(false);
});
