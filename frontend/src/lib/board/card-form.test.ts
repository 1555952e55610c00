import { beforeEach, describe, expect, it, vi } from 'vitest';
import { getCard, updateCard } from '#lib/api/cards.ts';
import { ApiError } from '#lib/api/http.ts';
import type { Card } from '#lib/api/types.ts';
import { aCard } from '#lib/live/factories.ts';
import { CardForm } from './card-form.svelte.ts';

vi.mock('#lib/api/cards.ts');
const known = (fields: Partial<Card> = {}): Card => ({
	...aCard(),
	description: 'As it was',
	agent_options: {},
	...fields,
});
const outdated = new ApiError({ title: '', status: 412, detail: '', code: 'version_conflict' });

beforeEach(() => vi.clearAllMocks());

describe('CardForm', () => {
	it('changes a card that was only measured anew meanwhile', async () => {
		const form = new CardForm('r1', known(), null);
		form.description = 'Better';
		vi.mocked(updateCard).mockRejectedValueOnce(outdated).mockResolvedValueOnce(known());
		vi.mocked(getCard).mockResolvedValue(known({ version: 5 }));
		expect(await form.send()).not.toBeNull();
		expect(updateCard).toHaveBeenLastCalledWith('c1', form.draft, 5);
	});

	it('does not write over what someone else has written meanwhile', async () => {
		const form = new CardForm('r1', known(), null);
		vi.mocked(updateCard).mockRejectedValueOnce(outdated);
		vi.mocked(getCard).mockResolvedValue(known({ version: 5, description: 'By another' }));
		expect(await form.send()).toBeNull();
		expect(form.errors['']).toMatch(/^Someone changed this card/);
		expect(updateCard).toHaveBeenCalledTimes(1);
	});

	it('asks for a title, and for the command of a script', async () => {
		const form = new CardForm('r1', null, 'script');
		expect(await form.send()).toBeNull();
		expect(Object.keys(form.errors)).toEqual(['title', 'command']);
	});

	it('sends the options of the agent that would run, and only those', () => {
		const form = new CardForm('r1', null, 'claude');
		form.model = 'opus';
		form.command = 'make';
		expect(form.draft).toMatchObject({ agent: null, agent_options: { model: 'opus' } });
		form.agent = 'script';
		expect(form.draft).toMatchObject({ agent: 'script', agent_options: { command: 'make' } });
	});

	it('takes labels apart and keeps each once', () => {
		const form = new CardForm('r1', null, null);
		form.addLabels('api, ui,');
		form.addLabels('api');
		expect(form.labels).toEqual(['api', 'ui']);
	});
});
