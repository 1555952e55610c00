import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { get, post, Unreachable } from './http.ts';

const fetched = vi.fn<typeof fetch>();
const dropped = () => Promise.reject(new TypeError('Failed to fetch'));

beforeEach(() => {
	vi.useFakeTimers();
	vi.stubGlobal('fetch', fetched.mockReset());
});
afterEach(() => {
	vi.useRealTimers();
	vi.unstubAllGlobals();
});

it('asks once more for what was dropped on its way', async () => {
	fetched.mockImplementationOnce(dropped);
	fetched.mockImplementation(async () => Response.json({ items: [] }));
	const answer = get('/api/repos');
	await vi.runAllTimersAsync();
	expect(await answer).toEqual({ items: [] });
	expect(fetched).toHaveBeenCalledTimes(2);
});

it('says that nobody answers when nobody does', async () => {
	fetched.mockImplementation(dropped);
	const answer = expect(get('/api/repos')).rejects.toBeInstanceOf(Unreachable);
	await vi.runAllTimersAsync();
	await answer;
	expect(fetched).toHaveBeenCalledTimes(2);
});

it('never repeats what changes something', async () => {
	fetched.mockImplementation(dropped);
	await expect(post('/api/cards/1/start')).rejects.toBeInstanceOf(Unreachable);
	expect(fetched).toHaveBeenCalledOnce();
});

it('leaves alone what its caller gave up', async () => {
	fetched.mockImplementation(dropped);
	await expect(get('/api/repos', {}, AbortSignal.abort())).rejects.toBeInstanceOf(TypeError);
	expect(fetched).toHaveBeenCalledOnce();
});

it('takes an answer without a body for what it is', async () => {
	fetched.mockResolvedValueOnce(new Response(null, { status: 202 }));
	expect(await post('/api/jobs/1/interrupt')).toBeUndefined();
	fetched.mockResolvedValueOnce(new Response(null, { status: 204 }));
	expect(await post('/api/jobs/1/interrupt')).toBeUndefined();
});
