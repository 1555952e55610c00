import { expect, it, vi } from 'vitest';
import type { Repo } from '#lib/api/types.ts';
import { ForgeToken } from './forge-token.svelte.ts';

const KEPT = { id: 'r', name: 'shop' } as Repo;
const TRIED = { repository: 'ada/shop', may_write: true, archived: false, detail: 'It works.' };

function aToken() {
	const ports = {
		keepForgeToken: vi.fn(async () => KEPT),
		forgetForgeToken: vi.fn(async () => undefined),
		tryForgeToken: vi.fn(async (): Promise<typeof TRIED> => TRIED),
	};
	const changed = vi.fn();
	return { token: new ForgeToken('r', changed, ports), changed, ports };
}

it('keeps what was typed, forgets it here, and says at once whether it works', async () => {
	const { token, changed, ports } = aToken();
	await token.keep();
	expect(ports.keepForgeToken).not.toHaveBeenCalled();
	token.text = ' s3cret\n';
	await token.keep();
	expect(ports.keepForgeToken).toHaveBeenCalledWith('r', 's3cret');
	expect(changed).toHaveBeenCalledWith(KEPT);
	expect([token.text, token.tried, token.isOfNoUse]).toEqual(['', TRIED, false]);
});

it('leaves a token that was refused in the field', async () => {
	const { token, changed, ports } = aToken();
	token.text = 'two words';
	ports.keepForgeToken.mockRejectedValueOnce(new Error('A token has no spaces.'));
	await token.keep();
	expect([token.failure, token.text]).toEqual(['A token has no spaces.', 'two words']);
	expect(changed).not.toHaveBeenCalled();
	expect(ports.tryForgeToken).not.toHaveBeenCalled();
});

it('says what the forge says of it', async () => {
	const { token, ports } = aToken();
	for (const state of [{ archived: true }, { may_write: false }]) {
		ports.tryForgeToken.mockResolvedValueOnce({ ...TRIED, ...state });
		await token.try();
		expect(token.isOfNoUse).toBe(true);
	}
	ports.tryForgeToken.mockRejectedValueOnce(new Error('It does not accept the token.'));
	await token.try();
	expect([token.failure, token.tried]).toEqual(['It does not accept the token.', null]);
});

it('tells what the repository is without it', async () => {
	const { token, changed, ports } = aToken();
	await token.forget(KEPT);
	expect(ports.forgetForgeToken).toHaveBeenCalledWith('r');
	expect(changed).toHaveBeenCalledWith(KEPT);
});
