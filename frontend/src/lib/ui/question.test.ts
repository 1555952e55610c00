import { expect, it } from 'vitest';
import { Questions } from './question.svelte.ts';

const question = { title: 'Delete it?', text: 'It goes.', verb: 'Delete' };

it('waits for a word, and takes the first', async () => {
	const questions = new Questions();
	const answer = questions.ask(question);
	expect(questions.asked).toBe(question);
	questions.answer(true);
	questions.answer(false);
	expect(await answer).toBe(true);
	expect(questions.asked).toBeNull();
});

it('gives up what was asked before', async () => {
	const questions = new Questions();
	const first = questions.ask(question);
	const second = questions.ask({ ...question, verb: 'Remove' });
	questions.answer(true);
	expect(await first).toBe(false);
	expect(await second).toBe(true);
});
