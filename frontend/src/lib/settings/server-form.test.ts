import { describe, expect, it, vi } from 'vitest';
import type { Settings, SettingsPatch } from '#lib/api/types.ts';
import { ServerForm } from './server-form.svelte.ts';

const SETTINGS: Settings = {
	agent: 'claude',
	claims_paused: false,
	agent_limits: { claude: 4 },
	person: { name: 'Ada', email: 'ada@example.com' },
	committer: { name: '', email: '' },
	version: '1',
	data_dir: '/d',
	database: 'sqlite',
	auth: 'token',
	attachments: { file: 10, count: 2, total: 20 },
};
const saving = () =>
	vi.fn(async (changes: Partial<SettingsPatch>): Promise<Settings> => ({
		...SETTINGS,
		...changes,
	}));

describe('ServerForm', () => {
	it('sends only what was changed, and an identity whole', async () => {
		const save = saving();
		const form = new ServerForm(SETTINGS, save);
		expect(form.dirty).toBe(false);
		form.fields.person.name = ' Ada L. ';
		expect(await form.save()).toBe(true);
		expect(save).toHaveBeenCalledWith({ person: { name: 'Ada L.', email: 'ada@example.com' } });
		expect(form.dirty).toBe(false);
	});

	it('sends limits as numbers, and an emptied one not at all', async () => {
		const save = saving();
		const form = new ServerForm(SETTINGS, save);
		expect(form.fields.limits).toEqual({ claude: '4' });
		form.fields.limits.script = ' 2 ';
		form.fields.limits.claude = '';
		expect(await form.save()).toBe(true);
		expect(save).toHaveBeenCalledWith({ agent_limits: { script: 2 } });
	});

	it('refuses a limit that is no number', async () => {
		const save = saving();
		const form = new ServerForm(SETTINGS, save);
		form.fields.limits.claude = '0';
		expect(await form.save()).toBe(false);
		expect(Object.keys(form.errors)).toEqual(['agent_limits.claude']);
		expect(save).not.toHaveBeenCalled();
	});

	it('wants a name and an address, or neither', async () => {
		const save = saving();
		const form = new ServerForm(SETTINGS, save);
		form.fields.committer.name = 'Robot';
		form.fields.person.email = 'ada';
		expect(await form.save()).toBe(false);
		expect(Object.keys(form.errors)).toEqual(['person.email', 'committer.email']);
		expect(save).not.toHaveBeenCalled();
	});

	it('keeps what was typed and says why when the server refuses', async () => {
		const form = new ServerForm(SETTINGS, async () => {
			throw new Error('No.');
		});
		form.fields.agent = 'script';
		expect(await form.save()).toBe(false);
		expect(form.failure).toBe('No.');
		expect(form.fields.agent).toBe('script');
	});
});
