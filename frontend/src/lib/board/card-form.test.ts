import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createCard, getCard, startCard, updateCard } from '#lib/api/cards.ts';
import { ApiError } from '#lib/api/http.ts';
import type { Card } from '#lib/api/types.ts';
import { aCard } from '#lib/live/factories.ts';
import { consent } from '#lib/live/consent.svelte.ts';
import { CardForm } from './card-form.svelte.ts';

vi.mock('#lib/api/cards.ts');
const known = (fields: Partial<Card> = {}): Card => ({
	...aCard(),
	description: 'As it was',
	agent_options: {},
	...fields,
});
const inRepo = (agent: string) => ({
	id: 'r1',
	default_branch: 'main',
	settings: { agent },
});
const outdated = new ApiError({ title: '', status: 412, detail: '', code: 'version_conflict' });

beforeEach(() => vi.clearAllMocks());

describe('CardForm', () => {
	it('changes a card that was only measured anew meanwhile', async () => {
		const form = new CardForm(inRepo('script'), known());
		form.description = 'Better';
		vi.mocked(updateCard).mockRejectedValueOnce(outdated).mockResolvedValueOnce(known());
		vi.mocked(getCard).mockResolvedValue(known({ version: 5 }));
		expect(await form.send()).not.toBeNull();
		expect(updateCard).toHaveBeenLastCalledWith('c1', form.draft, 5);
	});

	it('does not write over what someone else has written meanwhile', async () => {
		const form = new CardForm(inRepo('script'), known());
		vi.mocked(updateCard).mockRejectedValueOnce(outdated);
		vi.mocked(getCard).mockResolvedValue(known({ version: 5, description: 'By another' }));
		expect(await form.send()).toBeNull();
		expect(form.errors['']).toMatch(/^Someone changed this card/);
		expect(updateCard).toHaveBeenCalledTimes(1);
	});

	it('asks for a title, and for the command of a script', async () => {
		const form = new CardForm(inRepo('script'), null);
		expect(await form.send()).toBeNull();
		expect(Object.keys(form.errors)).toEqual(['title', 'command']);
	});

	it('sends the options of the agent that would run, and only those', () => {
		const form = new CardForm(inRepo('claude'), null);
		form.model = 'opus';
		form.command = 'make';
		expect(form.draft).toMatchObject({ agent: null, agent_options: { model: 'opus' } });
		form.agent = 'script';
		expect(form.draft).toMatchObject({ agent: 'script', agent_options: { command: 'make' } });
	});

	it('starts nothing that a person does not want without isolation, and says so', async () => {
		const obtain = vi.spyOn(consent, 'obtain').mockResolvedValue(false);
		const form = new CardForm(inRepo('claude'), null);
		form.title = 'New';
		expect(await form.send(true)).toBeNull();
		expect(createCard).not.toHaveBeenCalled();
		expect(form.sending).toBe(false);
		expect(await form.start(known())).toBe(false);
		expect(startCard).not.toHaveBeenCalled();
		expect(form.errors['']).toBe('#1 is saved, and not started.');
		obtain.mockResolvedValue(true);
		await form.send(true);
		expect(createCard).toHaveBeenCalledWith('r1', expect.objectContaining({ start: true }));
		obtain.mockRestore();
	});

	it('begins with a template, and gives up only what nobody has changed', () => {
		const form = new CardForm(inRepo('claude'), null);
		const bug = {
			file: 'bug.md',
			name: 'Bug',
			about: '',
			title: 'Fix: ',
			description: 'What happens?',
			labels: ['bug'],
			priority: 3,
			agent: null,
			agent_options: { model: 'opus' },
			base_branch: null,
			problem: null,
		};
		form.addLabels('mine');
		form.beginWith(bug);
		expect(form.draft).toMatchObject({
			title: 'Fix:',
			description: 'What happens?',
			labels: ['mine', 'bug'],
			priority: 3,
			agent_options: { model: 'opus' },
		});
		form.title = 'Fix: totals';
		form.beginWith({ ...bug, title: 'New: ', description: 'Why?', labels: [], priority: 0 });
		expect(form.draft).toMatchObject({
			title: 'Fix: totals',
			description: 'Why?',
			labels: ['mine'],
			priority: 0,
		});
		form.beginWith(null);
		expect(form.draft).toMatchObject({ title: 'Fix: totals', description: '', agent_options: {} });
	});

	it('knows whether anything was written', () => {
		const form = new CardForm(inRepo('script'), known());
		expect(form.isDirty).toBe(false);
		form.description += '.';
		expect(form.isDirty).toBe(true);
	});

	it('takes labels apart and keeps each once', () => {
		const form = new CardForm(inRepo('script'), null);
		form.addLabels('api, ui,');
		form.addLabels('api');
		expect(form.labels).toEqual(['api', 'ui']);
	});
});
