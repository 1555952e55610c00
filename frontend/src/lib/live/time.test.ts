import { afterEach, expect, it, vi } from 'vitest';
import { localTime, spent } from './time.ts';

afterEach(() => vi.unstubAllEnvs());

it('says in the reader’s own time until when a job waits, and leaves other words alone', () => {
	const now = Date.UTC(2026, 6, 1, 23, 50);
	const told = "The model's limit is reached. The job waits until 00:15 UTC, then it goes on.";
	const in_ = (zone: string) => {
		vi.stubEnv('TZ', zone);
		return localTime(told, now).slice(44, 55);
	};
	expect(in_('UTC')).toBe('until 00:15');
	expect(in_('Europe/Vienna')).toBe('until 02:15');
	expect(in_('America/New_York')).toBe('until 20:15');
	expect(in_('Asia/Kolkata')).toBe('until 05:45');
	expect(localTime(told, now)).not.toContain('UTC');
	expect(localTime('Deploys at 00:15 UTC', now)).toBe('Deploys at 00:15 UTC');
});

it('says how long a command took, no finer than anybody wants to know', () => {
	expect([0.85, 2.44, 61.7].map(spent)).toEqual(['850 ms', '2.4 s', '62 s']);
});
