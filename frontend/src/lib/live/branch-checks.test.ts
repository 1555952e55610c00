import { expect, it } from 'vitest';
import type { DefaultChecks } from '#lib/api/types.ts';
import { branchWord } from './branch-checks.ts';

const stands = (fields: Partial<DefaultChecks>): DefaultChecks => ({
	branch: 'main',
	sha: 'abcdef0123456789',
	state: null,
	job_id: null,
	total: 2,
	passed: 0,
	failed: [],
	red_since: null,
	card: null,
	...fields,
});
const RED = '2026-11-01T12:00:00Z';

it('says nothing where there are no checks', () => {
	expect(branchWord(null)).toBeNull();
});

it.each([
	[{ state: 'passed' }, 'green', false, false],
	[{ state: 'failed', failed: ['tests'], red_since: RED }, 'red: tests failed', false, true],
	[{ state: 'failed', failed: ['a', 'b'], red_since: RED }, 'red: 2 checks failed', false, true],
	[{ state: 'queued' }, 'checks wait', true, false],
	[{ state: 'running', red_since: RED }, 'checking', true, true],
	[{ state: 'broken' }, 'not checked', false, false],
	[{ state: null, red_since: RED }, 'red before, not checked', false, true],
] as const)('has a word for %o', (fields, text, isBusy, isRed) => {
	const word = branchWord(
		stands({ ...fields, failed: [...('failed' in fields ? fields.failed : [])] }),
	);
	expect(word).toMatchObject({ text, isBusy, isRed });
	expect(word?.title).toContain('main at abcdef0');
});
