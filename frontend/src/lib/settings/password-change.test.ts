import { describe, expect, it, vi } from 'vitest';
import { ApiError } from '#lib/api/http.ts';
import { PasswordChange } from './password-change.svelte.ts';

const GOOD = 'correct horse battery';
const ports = () => ({
	changePassword: vi.fn(async () => undefined),
	signIn: vi.fn(async () => undefined),
});
const refusing = (code: string, fields?: Record<string, string>) =>
	vi
		.fn()
		.mockRejectedValue(
			new ApiError({ title: 'No', status: 403, detail: 'No such luck.', code, fields }),
		);

function typed(change: PasswordChange, password = GOOD, again = password): PasswordChange {
	change.password = password;
	change.again = again;
	return change;
}

describe('PasswordChange', () => {
	it('sets the first one and signs this browser in with it', async () => {
		const its = ports();
		expect(await typed(new PasswordChange(false, its)).save()).toBe(true);
		expect(its.changePassword).toHaveBeenCalledWith(GOOD, null);
		expect(its.signIn).toHaveBeenCalledWith(GOOD);
	});

	it('asks for the current one when there is one', async () => {
		const its = ports();
		const change = typed(new PasswordChange(true, its));
		expect(await change.save()).toBe(false);
		expect(Object.keys(change.errors)).toEqual(['current']);
		change.current = 'old';
		expect(await change.save()).toBe(true);
		expect(its.changePassword).toHaveBeenCalledWith(GOOD, 'old');
	});

	it('sends nothing when the two are not the same', async () => {
		const its = ports();
		const change = typed(new PasswordChange(false, its), GOOD, `${GOOD}!`);
		expect(await change.save()).toBe(false);
		expect(Object.keys(change.errors)).toEqual(['again']);
		expect(its.changePassword).not.toHaveBeenCalled();
	});

	it('says at the field what the server says', async () => {
		const wrong = { ...ports(), changePassword: refusing('wrong_password') };
		const change = typed(new PasswordChange(true, wrong));
		change.current = 'wrong';
		expect(await change.save()).toBe(false);
		expect(change.errors).toEqual({ current: 'No such luck.' });
		expect(wrong.signIn).not.toHaveBeenCalled();

		const weak = { ...ports(), changePassword: refusing('invalid', { password: 'Too short.' }) };
		const short = typed(new PasswordChange(false, weak), 'short');
		await short.save();
		expect(short.errors).toEqual({ password: 'Too short.' });

		const many = { ...ports(), changePassword: refusing('too_many_attempts') };
		const slow = typed(new PasswordChange(false, many));
		await slow.save();
		expect(slow.failure).toBe('No such luck.');
	});
});
