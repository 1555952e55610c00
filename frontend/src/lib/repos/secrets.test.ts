import { expect, test } from 'vitest';
import { Secrets } from './secrets.svelte.ts';

function shop(failing = false) {
	const kept = new Map<string, string>();
	const ports = {
		list: () =>
			Promise.resolve(
				[...kept.keys()].map((name) => ({ name, updated_at: '2026-01-01T00:00:00Z' })),
			),
		put: (_repo: string, name: string, value: string) => {
			if (failing) return Promise.reject(new Error('no'));
			kept.set(name, value);
			return Promise.resolve({ name, updated_at: '2026-01-01T00:00:00Z' });
		},
		remove: (_repo: string, name: string) => {
			kept.delete(name);
			return Promise.resolve(undefined);
		},
	};
	return { kept, secrets: new Secrets('repo', ports) };
}

test('a value leaves the field once it is kept', async () => {
	const { kept, secrets } = shop();
	secrets.name = ' NPM_TOKEN ';
	secrets.value = 'hush';
	await secrets.save();
	expect(kept.get('NPM_TOKEN')).toBe('hush');
	expect([secrets.name, secrets.value]).toEqual(['', '']);
	expect(secrets.items.map(({ name }) => name)).toEqual(['NPM_TOKEN']);
	await secrets.remove('NPM_TOKEN');
	expect(secrets.items).toEqual([]);
});

test('what was not kept stays in the fields, with the reason', async () => {
	const { secrets } = shop(true);
	secrets.name = 'A';
	secrets.value = 'hush';
	await secrets.save();
	expect(secrets.value).toBe('hush');
	expect(secrets.failure).not.toBeNull();
});

test('a name that is no variable is not sent', async () => {
	const { kept, secrets } = shop();
	secrets.name = 'NOT-A-NAME';
	secrets.value = 'hush';
	expect(secrets.whyNot).toContain('name');
	await secrets.save();
	expect(kept.size).toBe(0);
});
