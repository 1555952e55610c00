import { describe, expect, it } from 'vitest';
import { CardForm } from './card-form.svelte.ts';

describe('CardForm', () => {
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
