import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { PoolSize } from './pool-size.svelte.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('sends the last of several presses, and then shows the server’s number', async () => {
	const scale = vi.fn(async () => undefined);
	const size = new PoolSize('process', vi.fn(), scale, async () => undefined);
	size.set(2);
	size.set(3);
	expect(size.wanted).toBe(3);
	await vi.runAllTimersAsync();
	expect(scale.mock.calls).toEqual([['process', 3]]);
	expect(size.wanted).toBeNull();
});

it('goes back and says why when the server refuses', async () => {
	const refused = vi.fn();
	const size = new PoolSize('docker', refused, () => Promise.reject(new Error('No Docker.')));
	size.set(1);
	await vi.runAllTimersAsync();
	expect(refused).toHaveBeenCalledWith('No Docker.');
	expect(size.wanted).toBeNull();
});
