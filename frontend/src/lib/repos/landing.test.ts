import { expect, it, vi } from 'vitest';
import { ApiError } from '#lib/api/http.ts';
import { accessNote, Landing, reachOf, remoteNote, summary } from './landing.svelte.ts';
import { aPreview as preview } from './factories.ts';
import type { LandPreview } from './types.ts';

const REPO = { id: 'r', remote_url: 'https://host.test/shop.git' };
const refusal = (code: string, more: object = {}) =>
	new ApiError({ title: 'No', status: 409, detail: `Because of ${code}.`, code, ...more });

function landing(...previews: (LandPreview | Error)[]) {
	const previewLand = vi.fn();
	for (const one of previews)
		if (one instanceof Error) previewLand.mockRejectedValueOnce(one);
		else previewLand.mockResolvedValueOnce(one);
	const ports = { previewLand, mergeRemote: vi.fn(), landBranch: vi.fn() };
	return { made: new Landing(REPO, 'main', ports), ports };
}

it('pushes what was shown, and nothing before it was', async () => {
	const shown = preview();
	const { made, ports } = landing(shown);
	await made.push();
	expect([made.canPush, ports.landBranch.mock.calls.length]).toEqual([false, 0]);
	await made.look();
	expect(ports.previewLand).toHaveBeenCalledWith('r', { branch: 'main' });
	ports.landBranch.mockResolvedValueOnce({ pushed: true });
	await made.push();
	expect(ports.landBranch).toHaveBeenCalledWith('r', { branch: 'main' }, shown);
	expect(made.landed).toEqual({ pushed: true });
});

it('wants another look once the remote in the field is another', async () => {
	const { made, ports } = landing(preview(), preview());
	await made.look();
	made.remote = 'https://other.test/x.git';
	expect([made.stale, made.canPush]).toEqual([true, false]);
	await made.push();
	expect(ports.landBranch).not.toHaveBeenCalled();
	await made.look();
	const target = { branch: 'main', remote_url: 'https://other.test/x.git' };
	expect(ports.previewLand).toHaveBeenLastCalledWith('r', target);
	expect(made.canPush).toBe(true);
});

it('merges a remote that moved, then shows what would be pushed', async () => {
	const moved = preview({ state: 'diverged', behind: 1, mergeable: true });
	const { made, ports } = landing(moved);
	await made.look();
	expect([made.canPush, made.canMerge]).toEqual([false, true]);
	ports.mergeRemote.mockResolvedValueOnce(preview({ ahead: 3 }));
	await made.merge();
	expect(ports.mergeRemote).toHaveBeenCalledWith('r', { branch: 'main' }, moved);
	expect([made.merged, made.canPush, made.preview?.ahead]).toEqual([true, true, 3]);
});

it('offers no merge that conflicts', async () => {
	const { made } = landing(
		preview({ state: 'diverged', behind: 1, mergeable: false, conflicts: ['a'] }),
	);
	await made.look();
	expect([made.canPush, made.canMerge]).toEqual([false, false]);
});

it('shows no longer what is not so any more', async () => {
	const { made, ports } = landing(preview());
	await made.look();
	ports.landBranch.mockRejectedValueOnce(refusal('remote_moved'));
	await made.push();
	expect([made.preview, made.canPush, made.landed]).toEqual([null, false, null]);
	expect(made.refusal).toEqual({ text: 'Because of remote_moved.', files: [] });
});

it('keeps what was shown when the remote only refuses', async () => {
	const { made, ports } = landing(preview());
	await made.look();
	ports.landBranch.mockRejectedValueOnce(refusal('remote_refused'));
	await made.push();
	expect(made.canPush).toBe(true);
	expect(made.refusal?.text).toBe('Because of remote_refused.');
});

it('puts an objection to the URL at its field', async () => {
	const { made } = landing(refusal('invalid', { fields: { remote_url: 'No URL.' } }));
	await made.look();
	expect([made.wrongRemote, made.refusal]).toEqual(['No URL.', null]);
});

it('knows how a remote is reached, and with what', () => {
	expect(
		['https://h/x', 'git@h:x.git', 'ssh://git@h:22/x', '/x', 'ssh://h/x'].map(reachOf),
	).toEqual(['http', 'ssh', 'ssh', null, null]);
	const repo = { remote_url: 'git@h:x.git', has_credentials: false, deploy_key: 'ssh-ed25519 A' };
	expect(accessNote(repo, 'git@h:x.git')).toBe('With this repository’s deploy key.');
	expect(accessNote(repo, 'git@other:x.git')).toContain('make one in the repository’s settings');
	expect(accessNote(repo, 'https://h/x')).toContain('Without credentials');
});

it('says in words how the branch stands', () => {
	expect(summary(preview({ ahead: 1 }))).toBe('1 commit would be pushed.');
	expect(summary(preview({ state: 'new', ahead: 0 }))).toContain('at a commit that it has');
	expect(summary(preview({ state: 'diverged', behind: 2 }))).toContain('2 commits there are not');
	expect(remoteNote({ ahead: 0, behind: 0 })).toBeNull();
	expect(remoteNote(null)).toBeNull();
	expect(remoteNote({ ahead: 2, behind: 1 })).toMatchObject({ text: 'diverged: 2/1', moved: true });
	expect(remoteNote({ ahead: 0, behind: 3 })?.text).toBe('3 new at the remote');
	expect(remoteNote({ ahead: 3, behind: 0 })).toMatchObject({ text: '3 to land', moved: false });
});
