import { describe, expect, it } from 'vitest';
import type { CardSummary } from '#lib/api/types.ts';
import { aCard } from '#lib/live/factories.ts';
import { checksWord, isQueuedToMerge, queueWord } from './checks-state.ts';

type Checks = NonNullable<CardSummary['checks']>;
const checked = (fields: Partial<Checks>) =>
	aCard({
		head_sha: 'head',
		checks: {
			job_id: 'j1',
			state: 'passed',
			base_sha: 'base',
			head_sha: 'head',
			total: 2,
			passed: 2,
			failed: [],
			...fields,
		},
	});
const queued = (
	state: 'queued' | 'checking' | 'bounced',
	detail: string | null = null,
	together: number[] = [],
) =>
	aCard({
		merge_state: {
			state,
			head_sha: 'head',
			job_id: null,
			together,
			reason: null,
			detail,
			files: [],
		},
	});

describe('checksWord', () => {
	it('says nothing where there are no checks', () => {
		expect(checksWord(aCard())).toBeNull();
	});

	it.each([
		['queued', 'busy', 'checks wait'],
		['running', 'busy', 'checking'],
		['passed', 'ok', 'checks passed'],
		['cancelled', 'dim', 'checks stopped'],
		['broken', 'warn', 'not checked'],
	] as const)('%s', (state, tone, text) => {
		expect(checksWord(checked({ state }))).toMatchObject({ tone, text });
	});

	it('names the one that failed, and counts several', () => {
		expect(checksWord(checked({ state: 'failed', failed: ['lint'] }))?.text).toBe('lint failed');
		const two = checksWord(checked({ state: 'failed', failed: ['lint', 'tests'] }));
		expect(two).toMatchObject({ tone: 'bad', text: '2 checks failed', title: 'lint\ntests' });
	});

	it('takes no result for another commit than the one it is of', () => {
		expect(checksWord(checked({ head_sha: 'older' }))).toMatchObject({
			tone: 'dim',
			text: 'not checked',
		});
	});
});

describe('queueWord', () => {
	it('tells what an approved card waits for and why it was bounced', () => {
		expect(queueWord(aCard())).toBeNull();
		expect(queueWord(queued('queued'))?.title).toContain('turn');
		expect(queueWord(queued('checking'))?.title).toContain('checks');
		expect(queueWord(queued('bounced', 'It did not pass: lint.'))).toEqual({
			tone: 'bad',
			text: 'not merged',
			title: 'It did not pass: lint.',
		});
	});

	it('names the cards that are tried with it, the first few of many', () => {
		const word = queueWord(queued('checking', null, [12, 14]));
		expect(word?.text).toBe('testing with #12, #14');
		expect(word?.title).toContain('together');
		expect(queueWord(queued('checking', null, [1, 2, 3, 4, 5]))?.text).toBe(
			'testing with #1, #2, #3 and 2 more',
		);
	});

	it('holds a bounced card for one that may be approved again', () => {
		expect([aCard(), queued('queued'), queued('bounced')].map(isQueuedToMerge)).toEqual([
			false,
			true,
			false,
		]);
	});
});
