import { describe, expect, it } from 'vitest';
import { entry } from './factories.ts';
import { BLOCK_LINES, LogRows, rowText, type Row } from './rows.ts';
import type { Entry } from './types.ts';

const call = (seq: number, id: string, fields: Partial<Entry> = {}) =>
	entry(seq, 'tool_call', { call_id: id, name: 'Bash', ...fields });
const result = (seq: number, id: string, fields: Partial<Entry> = {}) =>
	entry(seq, 'tool_result', { call_id: id, ...fields });
const shape = (rows: readonly Row[]) =>
	rows.map((row) =>
		row.kind === 'tool' ? `tool ${row.call?.seq ?? '-'}→${row.result?.seq ?? '-'}` : row.kind,
	);

describe('rows', () => {
	it('makes a call and its result one row, also when calls overlap', () => {
		const log = new LogRows();
		log.append([call(1, 'a'), call(2, 'b'), result(3, 'b'), entry(4, 'message'), result(5, 'a')]);
		expect(shape(log.rows)).toEqual(['tool 1→5', 'tool 2→3', 'message']);
	});

	it('gives a call its result whatever the cut between pages', () => {
		const entries = [
			entry(1, 'message'),
			call(2, 'a'),
			call(3, 'b'),
			result(4, 'a'),
			entry(5, 'message'),
			result(6, 'b'),
			call(7, 'c'),
			entry(8, 'message'),
		];
		for (let cut = 0; cut <= entries.length; cut++) {
			for (let first = 0; first <= cut; first++) {
				const log = new LogRows();
				log.append(entries.slice(cut));
				log.prepend(entries.slice(first, cut));
				log.prepend(entries.slice(0, first));
				log.append([result(9, 'c')]);
				expect(shape(log.rows), `cut at ${first}, ${cut}`).toEqual([
					'message',
					'tool 2→4',
					'tool 3→6',
					'message',
					'tool 7→9',
					'message',
				]);
				expect(new Set(log.rows.map((row) => row.key)).size).toBe(log.rows.length);
				expect(log.stats.steps).toBe(3);
			}
		}
	});

	it('gathers output lines in blocks of bounded length', () => {
		const log = new LogRows();
		log.append(Array.from({ length: 250 }, (_, i) => entry(i + 1, 'stdout', { text: `${i}\n` })));
		expect(log.rows.map((row) => row.kind === 'output' && row.lines)).toEqual([
			BLOCK_LINES,
			BLOCK_LINES,
			50,
		]);
		log.append([entry(251, 'message'), entry(252, 'stderr')]);
		expect(shape(log.rows).slice(-2)).toEqual(['message', 'output']);
	});

	it('separates attempts once, whichever way they come in', () => {
		const entries = [
			entry(1, 'message'),
			entry(2, 'message', { attempt: 2 }),
			entry(3, 'message', { attempt: 2 }),
		];
		const whole = ['message', 'attempt', 'message', 'message'];
		for (let cut = 0; cut <= 3; cut++) {
			const log = new LogRows();
			log.append(entries.slice(cut));
			log.prepend(entries.slice(0, cut));
			expect(shape(log.rows), `cut at ${cut}`).toEqual(whole);
		}
	});

	it('tells the prompt from what a person says later', () => {
		const prompts = (log: LogRows) =>
			log.rows.flatMap((row) => (row.kind === 'user' ? [row.prompt] : []));
		const entries = [
			entry(1, 'phase'),
			entry(2, 'user'),
			entry(3, 'message'),
			entry(4, 'user'),
			entry(5, 'user', { attempt: 2 }),
		];
		const log = new LogRows();
		log.append(entries);
		expect(prompts(log)).toEqual([true, false, true]);
		const paged = new LogRows();
		paged.append(entries.slice(3));
		paged.prepend(entries.slice(0, 3));
		expect(prompts(paged)).toEqual([true, false, true]);
	});

	it('sums up what a run changed and keeps its newest usage', () => {
		const usage = { ...zero, turns: 3 };
		const edit = (seq: number, id: string, path: string) => [
			call(seq, id, { name: 'Edit', input: { file_path: path } }),
			result(seq + 1, id, { detail: { patch: '', additions: 2, deletions: 1 } }),
		];
		const log = new LogRows();
		log.append([...edit(1, 'a', 'x.ts'), ...edit(3, 'b', 'x.ts'), entry(5, 'usage', { usage })]);
		expect(log.stats).toMatchObject({ steps: 2, additions: 4, deletions: 2 });
		expect(log.stats.files.size).toBe(1);
		expect(log.usage).toEqual(usage);
		expect(log.rows).toHaveLength(2);
	});

	it('shows a kind it has never heard of, and lets a search find it', () => {
		const log = new LogRows();
		log.append([entry(1, 'raw', { text: 'strange line' })]);
		expect(log.rows.map(rowText)).toEqual(['strange line']);
	});
});

const zero = {
	input_tokens: 0,
	output_tokens: 0,
	cache_read_tokens: 0,
	cache_write_tokens: 0,
	cost_usd: 0,
	turns: 0,
	duration_ms: 0,
};
