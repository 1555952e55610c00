import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Consent } from './consent.svelte.ts';

const kept = new Map<string, string>();
vi.stubGlobal('localStorage', {
	getItem: (key: string) => kept.get(key) ?? null,
	setItem: (key: string, value: string) => kept.set(key, value),
});

beforeEach(() => kept.clear());

describe('Consent', () => {
	it('asks nothing where every runner is isolated', async () => {
		const consent = new Consent(() => false);
		expect(await consent.obtain()).toBe(true);
		expect(consent.asking).toBe(false);
	});

	it('asks once, and this browser remembers a yes', async () => {
		const consent = new Consent(() => true);
		const wanted = consent.obtain();
		expect(consent.asking).toBe(true);
		consent.answer(true);
		expect(await wanted).toBe(true);
		expect(consent.isMissing).toBe(false);
		expect(await new Consent(() => true).obtain()).toBe(true);
	});

	it('asks again after a no', async () => {
		const consent = new Consent(() => true);
		const wanted = consent.obtain();
		consent.answer(false);
		expect(await wanted).toBe(false);
		expect(consent.isMissing).toBe(true);
	});

	it('gives up what it was asked before when it is asked again', async () => {
		const consent = new Consent(() => true);
		const first = consent.obtain();
		const second = consent.obtain();
		consent.answer(true);
		expect(await first).toBe(false);
		expect(await second).toBe(true);
	});
});
