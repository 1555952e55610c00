import { expect, it, vi } from 'vitest';
import { ApiError } from '#lib/api/http.ts';
import type { Repo } from '#lib/api/types.ts';
import { SettingsForm } from './settings-form.svelte.ts';

const REPO: Repo = {
	id: 'r',
	name: 'shop',
	remote_url: null,
	default_branch: 'main',
	is_ingested: true,
	internal_git_url: '/git/r.git',
	settings: {
		agent: 'claude',
		branch_prefix: 'lazyaf',
		wip_limit: 3,
		setup_command: null,
		job_limit_s: 3600,
		idle_limit_s: 600,
		setup_limit_s: 600,
		trusted: false,
		merge_method: 'merge',
		merge_message: null,
		delete_branch: false,
		protected_branches: ['release/*'],
		only_approve: false,
		allowed_hosts: [],
		image: null,
		checks: [],
		default_checks: 'off',
		fix_rounds: 0,
		sync_every_s: null,
		forge: null,
		forge_api_url: null,
		forge_shares_login: false,
	},
	settings_from_file: ['agent', 'job_limit_s'],
	config_error: null,
	import_state: null,
	import_detail: null,
	fetched_at: null,
	fetch_result: null,
	has_credentials: false,
	deploy_key: null,
	host_fingerprints: [],
	forge: null,
	default_checks: null,
	updated_at: '2026-01-01T00:00:00Z',
	created_at: '2026-01-01T00:00:00Z',
	version: 1,
};

it('knows what the repository’s own file decides', () => {
	const form = new SettingsForm(REPO);
	expect(form.isFromFile('agent')).toBe(true);
	expect(form.isFromFile('job_limit')).toBe(true);
	expect(form.isFromFile('wip_limit')).toBe(false);
});

it('sends only what was changed, minutes as seconds', async () => {
	const update = vi.fn(async () => REPO);
	const form = new SettingsForm(REPO, update);
	expect(form.dirty).toBe(false);
	form.fields.job_limit = '90';
	form.fields.wip_limit = '';
	form.fields.remote_url = ' git@host:shop.git ';
	expect(form.dirty).toBe(true);
	await form.save();
	expect(update).toHaveBeenCalledWith('r', {
		remote_url: 'git@host:shop.git',
		settings: { job_limit_s: 5400, wip_limit: null },
	});
	expect(form.dirty).toBe(false);
});

it('sends how often to fetch, and never when that is empty', async () => {
	const update = vi.fn(async () => REPO);
	const form = new SettingsForm(REPO, update);
	form.fields.sync_every = '0.5';
	expect(Object.keys(form.check())).toEqual(['sync_every']);
	form.fields.sync_every = '15';
	await form.save();
	expect(update).toHaveBeenLastCalledWith('r', { settings: { sync_every_s: 900 } });
	const often = { ...REPO, settings: { ...REPO.settings, sync_every_s: 900 } };
	const again = new SettingsForm({ ...often, settings_from_file: ['sync_every_s'] }, update);
	expect([again.fields.sync_every, again.isFromFile('sync_every')]).toEqual(['15', true]);
	again.fields.sync_every = '';
	await again.save();
	expect(update).toHaveBeenLastCalledWith('r', { settings: { sync_every_s: null } });
});

it('sends patterns as a list, and protection as it was set', async () => {
	const update = vi.fn(async () => REPO);
	const form = new SettingsForm(REPO, update);
	expect(form.fields.protected_branches).toBe('release/*');
	form.fields.protected_branches = 'release/*,  stable v?,';
	form.fields.merge_method = 'squash';
	form.fields.only_approve = true;
	await form.save();
	expect(update).toHaveBeenCalledWith('r', {
		settings: {
			merge_method: 'squash',
			protected_branches: ['release/*', 'stable', 'v?'],
			only_approve: true,
		},
	});
});

it('sends a message as it was written, and none at all as the usual one', async () => {
	const settings = { ...REPO.settings, merge_message: '{title}' };
	const update = vi.fn(async () => ({ ...REPO, settings }));
	const form = new SettingsForm(REPO, update);
	form.fields.merge_message = '{title}\n\n{description}\n';
	form.fields.delete_branch = true;
	await form.save();
	expect(update).toHaveBeenLastCalledWith('r', {
		settings: { merge_message: '{title}\n\n{description}\n', delete_branch: true },
	});
	form.fields.merge_message = ' \n';
	await form.save();
	expect(update).toHaveBeenLastCalledWith('r', { settings: { merge_message: null } });
});

it('refuses what cannot be true before asking the server', async () => {
	const update = vi.fn(async () => REPO);
	const form = new SettingsForm(REPO, update);
	form.fields.idle_limit = '0';
	form.fields.wip_limit = '1.5';
	form.fields.branch_prefix = 'a b';
	expect(await form.save()).toBeNull();
	expect(Object.keys(form.errors)).toEqual(['idle_limit', 'wip_limit', 'branch_prefix']);
	expect(update).not.toHaveBeenCalled();
});

it('puts the server’s objections at their fields', async () => {
	const problem = {
		title: 'Invalid',
		status: 422,
		detail: 'Invalid',
		code: 'invalid',
		fields: { 'settings.job_limit_s': 'At most a day.' },
	};
	const form = new SettingsForm(REPO, async () => {
		throw new ApiError(problem);
	});
	form.fields.job_limit = '9999';
	expect(await form.save()).toBeNull();
	expect(form.errors).toEqual({ job_limit: 'At most a day.' });
	expect(form.failure).toBeNull();
});

it('sends of the forge what differs, and knows that it does', async () => {
	const update = vi.fn(async () => REPO);
	const form = new SettingsForm(REPO, update);
	expect(form.isChanged('forge', 'forge_api_url')).toBe(false);
	form.fields.forge = 'gitea';
	form.fields.forge_api_url = ' https://git.example.com/api/v1 ';
	form.fields.forge_shares_login = true;
	expect(form.isChanged('forge', 'remote_url')).toBe(true);
	await form.save();
	expect(update).toHaveBeenCalledWith('r', {
		settings: {
			forge: 'gitea',
			forge_api_url: 'https://git.example.com/api/v1',
			forge_shares_login: true,
		},
	});
});
