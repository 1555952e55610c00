import { expect, it, vi } from 'vitest';
import { ApiError } from '#lib/api/http.ts';
import type { Card, PullDraft } from '#lib/api/types.ts';
import { aPreview } from './factories.ts';
import { Pulling } from './pulling.svelte.ts';
import type { LandPreview } from './types.ts';

const DRAFT: PullDraft = {
	title: 'Fix the login',
	body: 'It was broken.',
	branch: 'lazyaf/1-fix',
	base: 'main',
	host: 'github.com',
	repository: 'ada/shop',
	noun: 'pull request',
	ready: true,
	code: null,
	reason: null,
	compare_url: 'https://github.com/ada/shop/compare/main...lazyaf/1-fix?expand=1',
};
const OPENED = { id: 'c', pr_url: 'https://github.com/ada/shop/pull/7' } as Card;

function aPulling(preview: LandPreview = aPreview({ state: 'new' }), draft = DRAFT) {
	const ports = {
		draftPull: vi.fn(async () => draft),
		previewLand: vi.fn(async () => preview),
		openPull: vi.fn(async () => OPENED),
	};
	return { made: new Pulling({ id: 'c', repo_id: 'r' }, ports), ports };
}

it('shows what it would say and what would be pushed, and opens that', async () => {
	const preview = aPreview({ state: 'new', remote_sha: null });
	const { made, ports } = aPulling(preview);
	await made.open();
	expect(ports.openPull).not.toHaveBeenCalled();
	await made.look();
	expect(ports.previewLand).toHaveBeenCalledWith('r', { branch: 'lazyaf/1-fix' });
	expect([made.title, made.body, made.base, made.whyNot]).toEqual([
		'Fix the login',
		'It was broken.',
		'main',
		null,
	]);
	made.title = ' Mend the login ';
	made.base = 'develop';
	await made.open();
	expect(ports.openPull).toHaveBeenCalledWith('c', {
		title: 'Mend the login',
		body: 'It was broken.',
		base: 'develop',
		seen: { sha: preview.sha, remote_sha: null },
	});
	expect(made.opened).toBe(OPENED);
});

it('asks no remote while the server cannot open one, and says why', async () => {
	const draft = { ...DRAFT, ready: false, code: 'forge_token_wanted', reason: 'No token is kept.' };
	const { made, ports } = aPulling(aPreview(), draft);
	await made.look();
	expect(ports.previewLand).not.toHaveBeenCalled();
	expect([made.draft?.reason, made.whyNot]).toEqual([
		'No token is kept.',
		'The server cannot open it',
	]);
});

it('opens none that lacks a title or whose branch the remote has otherwise', async () => {
	const { made } = aPulling(aPreview({ state: 'diverged', behind: 1 }));
	await made.look();
	expect(made.whyNot).toBe('The remote has moved on');
	made.title = ' ';
	expect(made.whyNot).toBe('Give it a title');
});

it('wants another look once what was shown is not so any more, and keeps what was written', async () => {
	const { made, ports } = aPulling();
	await made.look();
	made.title = 'Mine';
	const moved = { title: 'No', status: 409, detail: 'It has moved.', code: 'remote_moved' };
	ports.openPull.mockRejectedValueOnce(new ApiError(moved));
	await made.open();
	expect([made.preview, made.failure, made.opened]).toEqual([null, 'It has moved.', null]);
	await made.look();
	expect([made.title, made.whyNot]).toEqual(['Mine', null]);
});

it('puts an objection at its field', async () => {
	const { made, ports } = aPulling();
	await made.look();
	const wrong = { title: 'No', status: 422, detail: '', code: 'invalid', fields: { base: 'No.' } };
	ports.openPull.mockRejectedValueOnce(new ApiError(wrong));
	await made.open();
	expect([made.errors, made.failure, made.whyNot]).toEqual([{ base: 'No.' }, null, null]);
});
