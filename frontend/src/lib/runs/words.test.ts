import { expect, it } from 'vitest';
import { entry, job } from './factories.ts';
import { patchLines } from './patch.ts';
import { toolFacts, toolShape } from './tool.ts';
import type { StopReason } from './types.ts';
import { between, compact, firstLine, stopName, took } from './words.ts';

it('says durations and amounts as people do', () => {
	expect([840, 4100, 59_400, 159_000, 3_723_000].map(took)).toEqual([
		'840 ms',
		'4.1 s',
		'59 s',
		'2:39',
		'1:02:03',
	]);
	expect([999, 1234, 12_345, 1_234_567].map(compact)).toEqual(['999', '1.2k', '12k', '1.2M']);
	expect(between('2026-01-01T00:00:02Z', '2026-01-01T00:00:01Z')).toBeNull();
});

it('says of a tool call what one would ask', () => {
	const call = entry(1, 'tool_call', { name: 'Read' });
	const read = {
		kind: 'tool',
		key: '1',
		call,
		result: entry(2, 'tool_result', { text: 'a\nb\n' }),
	} as const;
	expect(toolFacts(read).note).toBe('2 lines');
	const edited = {
		...read,
		result: entry(2, 'tool_result', { detail: { additions: 3, deletions: 1 } }),
	};
	expect(toolFacts(edited)).toEqual({ additions: 3, deletions: 1, note: '' });
	const ran = { ...read, call: { ...call, name: 'Bash', at: '2025-12-31T23:59:55.9Z' } };
	expect(toolFacts(ran).note).toBe('4.1 s');
	expect(['Bash', 'MultiEdit', 'mcp__x'].map(toolShape)).toEqual(['terminal', 'edit', 'other']);
});

it('numbers the lines of a patch', () => {
	const patch =
		'--- a/x\n+++ b/x\n@@ -3,2 +3,2 @@ f()\n same\n-old\n+new\n\\ No newline at end of file\n';
	expect(patchLines(patch)).toEqual([
		{ origin: '@', number: null, text: 'f()' },
		{ origin: ' ', number: 3, text: 'same' },
		{ origin: '-', number: 4, text: 'old' },
		{ origin: '+', number: 4, text: 'new' },
	]);
});

it('parts a sentence from what a program said', () => {
	expect(firstLine('It exited with 1.\n  one\ntwo\n')).toEqual({
		line: 'It exited with 1.',
		rest: '  one\ntwo',
	});
	expect(firstLine('')).toEqual({ line: '', rest: '' });
	const long = `${'x'.repeat(2000)}\ny`;
	expect(firstLine(long)).toEqual({ line: `${'x'.repeat(500)}…`, rest: long });
});

it('has a plain name for every reason to stop', () => {
	// The type has them all from the server: a reason without a name does not compile.
	const reasons: Record<StopReason, true> = {
		finished: true,
		no_changes: true,
		agent_failed: true,
		setup_failed: true,
		push_rejected: true,
		timed_out: true,
		stalled: true,
		cancelled: true,
		runner_lost: true,
		out_of_memory: true,
		budget_exceeded: true,
		checks_failed: true,
	};
	const names = (Object.keys(reasons) as StopReason[]).map((stop_reason) =>
		stopName(job('j', { stop_reason })),
	);
	for (const name of names) expect(name).toMatch(/^[A-Z][a-z ]+$/);
	expect(new Set(names).size).toBe(names.length);
});
