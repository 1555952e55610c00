import { describe, expect, it } from 'vitest';
import { aCard } from '#lib/live/factories.ts';
import { LabelChoice } from './label-choice.svelte.ts';
import { Marks } from './marks.svelte.ts';

const marked = (marks: Marks) => ['a', 'b', 'c', 'd'].filter((id) => marks.has(id));

describe('Marks', () => {
	it('takes in what lies between the last marked one and another, both ways', () => {
		const marks = new Marks();
		marks.toggle('c');
		marks.extend(['a', 'b', 'c', 'd'], 'a');
		expect(marked(marks)).toEqual(['a', 'b', 'c']);
		marks.clear();
		marks.add('b');
		marks.extend(['a', 'b', 'c', 'd'], 'd');
		expect(marked(marks)).toEqual(['b', 'c', 'd']);
	});

	it('marks the one alone when the anchor is in another column, or was taken away', () => {
		const marks = new Marks();
		marks.toggle('x');
		marks.extend(['a', 'b', 'c'], 'b');
		expect(marked(marks)).toEqual(['b']);
		marks.toggle('b');
		marks.extend(['a', 'b', 'c', 'd'], 'd');
		expect(marked(marks)).toEqual(['d']);
	});
});

describe('LabelChoice', () => {
	const cards = [aCard({ labels: ['api', 'ui'] }), aCard({ labels: ['api'] })];

	it('says what is on all, on some and on none, and leaves alone what was not touched', () => {
		const choice = new LabelChoice(cards, ['docs', 'api']);
		expect(choice.labels).toEqual(['api', 'docs', 'ui']);
		expect(choice.labels.map((label) => choice.isOn(label))).toEqual([true, false, 'some']);
		expect([choice.added, choice.removed]).toEqual([[], []]);
	});

	it('puts a label of some on all, then on none', () => {
		const choice = new LabelChoice(cards, []);
		choice.toggle('ui');
		expect(choice.added).toEqual(['ui']);
		choice.toggle('ui');
		expect([choice.added, choice.removed]).toEqual([[], ['ui']]);
	});

	it('takes several written ones, and shows them first', () => {
		const choice = new LabelChoice(cards, []);
		choice.add(' new , api,, ');
		expect(choice.added).toEqual(['new', 'api']);
		expect(choice.labels).toEqual(['new', 'api', 'ui']);
	});
});
