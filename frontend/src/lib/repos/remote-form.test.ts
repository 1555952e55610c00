import { expect, it, vi } from 'vitest';
import { ApiError } from '#lib/api/http.ts';
import type { Repo } from '#lib/api/types.ts';
import { RemoteForm } from './remote-form.svelte.ts';

const REPO = { id: 'r', name: 'shop' } as Repo;
const refusal = (code: string, fields?: Record<string, string>) =>
	new ApiError({
		title: 'No',
		status: 409,
		detail: `Because of ${code}.`,
		code,
		...(fields ? { fields } : {}),
	});

it('asks for credentials only once the remote wants them, and forgets the password', async () => {
	const add = vi
		.fn()
		.mockRejectedValueOnce(refusal('credentials_wanted'))
		.mockRejectedValueOnce(refusal('credentials_refused'))
		.mockResolvedValue(REPO);
	const form = new RemoteForm(add);
	form.url = ' https://host.test/shop.git ';
	expect(await form.import()).toBeNull();
	expect(add).toHaveBeenLastCalledWith({ url: 'https://host.test/shop.git' });
	expect([form.wanted, form.failure]).toEqual([true, 'Because of credentials_wanted.']);
	form.password = 'wrong';
	expect(await form.import()).toBeNull();
	expect(form.failure).toBe('Because of credentials_refused.');
	form.username = 'ann';
	form.password = 'secret';
	expect(await form.import()).toBe(REPO);
	expect(add).toHaveBeenLastCalledWith({
		url: 'https://host.test/shop.git',
		username: 'ann',
		password: 'secret',
	});
	expect([form.wanted, form.password, form.failure]).toEqual([false, '', null]);
});

it('puts objections at their fields', async () => {
	const add = vi
		.fn()
		.mockRejectedValueOnce(refusal('invalid', { url: 'No URL.' }))
		.mockRejectedValueOnce(refusal('name_taken'));
	const form = new RemoteForm(add);
	await form.import();
	expect([form.errors, form.failure]).toEqual([{ url: 'No URL.' }, null]);
	await form.import();
	expect(form.errors).toEqual({ name: 'Because of name_taken.' });
});

it('fetches again with the kept credentials unless others were typed', async () => {
	const again = vi.fn().mockResolvedValue(REPO);
	const form = new RemoteForm(vi.fn(), again);
	await form.fetch(REPO);
	expect(again).toHaveBeenLastCalledWith('r', {});
	form.password = 'new';
	await form.fetch(REPO);
	expect(again).toHaveBeenLastCalledWith('r', { password: 'new' });
});
