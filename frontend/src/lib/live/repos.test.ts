import { expect, it } from 'vitest';
import type { DefaultChecks, LiveEvent, Repo } from '#lib/api/types.ts';
import { RepoStore } from './repos.svelte.ts';

const repo = (id: string) => ({ id, name: id, version: 3, default_checks: null }) as Repo;
const event = (data: LiveEvent['data']) =>
	({ type: 'branch.checked', subject: 'a', data }) as LiveEvent;

it('keeps how a default branch stands, which is no new version of its repository', () => {
	const store = new RepoStore();
	store.put(repo('a'));
	store.put(repo('b'));
	const checks = { branch: 'main', state: 'failed' } as DefaultChecks;
	store.event(event({ repo_id: 'a', checks }));
	expect(store.find('a')).toMatchObject({ version: 3, default_checks: checks });
	expect(store.find('b')?.default_checks).toBeNull();
	store.event(event({ repo_id: 'a', checks: null }));
	expect(store.find('a')?.default_checks).toBeNull();
});
