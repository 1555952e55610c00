import { describe, expect, it } from 'vitest';
import { entry } from './factories.ts';
import { LogRows } from './log-rows.ts';
import { BLOCK_LINES, entriesOf, entryText, type Row } from './rows.ts';
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
			entry(3, 'user'),
			entry(4, 'message'),
			entry(5, 'user'),
			entry(6, 'user', { attempt: 2 }),
		];
		const log = new LogRows();
		log.append(entries);
		expect(prompts(log)).toEqual([true, false, false, true]);
		const paged = new LogRows();
		paged.append(entries.slice(4));
		paged.prepend(entries.slice(0, 4));
		expect(prompts(paged)).toEqual([true, false, false, true]);
	});

	it('shows a kind it has never heard of, and lets a search find it', () => {
		const log = new LogRows();
		log.append([entry(1, 'raw', { text: 'strange line' })]);
		expect(log.rows.flatMap(entriesOf).map(entryText)).toEqual(['strange line']);
	});
});

describe('a window', () => {
	const small = { entries: 100, characters: 100_000 }; // segments of five entries

	/** A log of tools that overlap, output, people, usage and attempts, the same for the same seed. */
	function story(seed: number, length: number): Entry[] {
		const random = randoms(seed);
		const open: string[] = [];
		let attempt = 1;
		return Array.from({ length }, (_, at) => {
			const seq = at + 1;
			const dice = random();
			if (dice < 0.05) attempt += 1;
			const fields = { attempt };
			if (dice < 0.35) {
				open.push(`id${seq}`);
				return call(seq, `id${seq}`, fields);
			}
			if (dice < 0.65 && open.length > 0) {
				const [id] = open.splice(Math.floor(random() * open.length), 1);
				return result(seq, id ?? '', fields);
			}
			if (dice < 0.8) return entry(seq, 'stdout', fields);
			return entry(seq, dice < 0.9 ? 'message' : dice < 0.95 ? 'usage' : 'user', fields);
		});
	}
	/** What is shown, whatever blocks the output is cut into and however the prompt is folded. */
	const shown = (log: LogRows) =>
		log.rows.map((row) =>
			row.kind === 'output'
				? `output ${row.entries.map((each) => each.seq).join()}`
				: row.kind === 'attempt'
					? row.key
					: `${row.kind} ${entriesOf(row)
							.map((each) => each.seq)
							.join('→')}`,
		);
	const joined = (rows: string[]) =>
		rows
			.join(' ')
			.replaceAll(/ output (?=\d)/g, ' o')
			.replaceAll(/(\d) o(?=\d)/g, '$1,');

	it('shows what it would show if it had never held more, whichever way it was moved', () => {
		for (let seed = 1; seed <= 60; seed++) {
			const random = randoms(seed * 7919);
			const entries = story(seed, 400);
			const log = new LogRows('', small);
			let [first, last] = [201, 200];
			for (let step = 0; step < 80; step++) {
				const dice = random();
				const count = 1 + Math.floor(random() * 30);
				if (dice < 0.35) {
					log.append(entries.slice(last, last + count));
					last = Math.min(400, last + count);
				} else if (dice < 0.7 && last >= first) {
					const from = Math.max(0, first - 1 - count);
					if (from < first - 1) log.prepend(entries.slice(from, first - 1));
					first = from + 1;
				} else if (last >= first) {
					if (dice < 0.85) log.dropFirst();
					else log.dropLast();
					if (log.last === 0) [first, last] = [201, 200];
					else [first, last] = [log.first, log.last];
				}
				const fresh = new LogRows('', { entries: 100_000, characters: 1e9 });
				fresh.append(entries.slice(first - 1, last));
				expect(joined(shown(log)), `seed ${seed}, step ${step}`).toBe(joined(shown(fresh)));
				const keys = log.rows.map((row) => row.key);
				expect(new Set(keys).size).toBe(keys.length);
				const held = fresh.rows.flatMap(entriesOf).length;
				expect([log.first, log.last, log.held]).toEqual([last ? log.first : 0, log.last, held]);
			}
		}
	});

	it('is overfull by entries, and by characters, but never lets its last parts go', () => {
		const log = new LogRows('', small);
		for (let seq = 1; seq <= 1000; seq++) {
			log.append([entry(seq, 'stdout', { text: '' })]);
			while (log.overfull) log.dropFirst();
			expect(log.held).toBeLessThanOrEqual(100);
		}
		expect(log.last).toBe(1000);
		const large = new LogRows('', small);
		for (let seq = 1; seq <= 50; seq++) {
			large.append([entry(seq, 'message', { text: 'x'.repeat(20_000) })]);
			while (large.overfull) large.dropFirst();
		}
		expect([large.first, large.last]).toEqual([46, 50]);
	});

	it('cuts a block of wide lines before it would be folded', () => {
		const log = new LogRows();
		const text = 'x'.repeat(999);
		log.append(Array.from({ length: 50 }, (_, i) => entry(i + 1, 'stdout', { text })));
		expect(log.rows.map((row) => entriesOf(row).length)).toEqual([20, 20, 10]);
	});

	it('cuts a block of empty lines like any other', () => {
		const log = new LogRows();
		log.append(Array.from({ length: 250 }, (_, i) => entry(i + 1, 'stdout', { text: '' })));
		expect(log.rows).toHaveLength(3);
	});
});

/** Numbers from 0 to 1, the same for the same seed. https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
function randoms(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}
