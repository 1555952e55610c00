import { describe, expect, it } from 'vitest';
import { entry } from './factories.ts';
import { StreamCut, type LogSource } from './log-source.ts';
import { RunLog, TAIL_PAGE } from './run-log.svelte.ts';
import type { Entry, LogPage } from './types.ts';

/** A server whose streams are cut after as many entries as `cuts` says, then end. */
class FakeServer implements LogSource {
	entries: Entry[] = [];
	final = true;
	asked: string[] = [];

	constructor(
		count: number,
		readonly cuts: number[] = [],
	) {
		this.write(count);
	}
	write(count: number) {
		for (let i = 0; i < count; i++) this.entries.push(entry(this.entries.length + 1, 'message'));
	}
	#page(items: Entry[]): LogPage {
		return {
			items,
			next_after: items.at(-1)?.seq ?? 0,
			last_seq: this.entries.length,
			is_final: this.final,
		};
	}
	async after(_job: string, after: number, limit: number) {
		this.asked.push(`after ${after}`);
		return this.#page(this.entries.slice(after, after + limit));
	}
	async before(_job: string, before: number, limit: number) {
		this.asked.push(`before ${before}`);
		return this.#page(this.entries.slice(Math.max(0, before - 1 - limit), before - 1));
	}
	async *follow(_job: string, after: number): AsyncGenerator<Entry> {
		this.asked.push(`follow ${after}`);
		const cut = this.cuts.shift() ?? Infinity;
		yield* this.stream(after, cut);
		if (cut !== Infinity) throw new StreamCut();
	}
	*stream(after: number, count: number): Generator<Entry> {
		yield* this.entries.slice(after, after + count);
	}
}

const open = (source: LogSource, onclosed = () => undefined) =>
	new RunLog('j', { source, onclosed, pause: async () => undefined, schedule: (run) => run() });
const seqs = (log: RunLog) => log.rows.map((row) => Number(row.key.slice(2)));
const upTo = (first: number, last: number) =>
	Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe('a run’s log', () => {
	it('opens at the tail of a closed job without following it', async () => {
		const server = new FakeServer(1200);
		const log = open(server);
		await log.open(1200);
		expect(seqs(log)).toEqual(upTo(1200 - TAIL_PAGE + 1, 1200));
		expect(log.isFinal).toBe(true);
		expect(log.hasEarlier).toBe(true);
		expect(server.asked).toEqual(['before 1201']);
	});

	it('reads earlier pages up to the first entry', async () => {
		const log = open(new FakeServer(1700));
		await log.open(1700);
		await log.loadEarlier();
		expect(log.firstSeq).toBe(201);
		await log.loadEarlier();
		expect(seqs(log)).toEqual(upTo(1, 1700));
		expect(log.hasEarlier).toBe(false);
		await log.loadEarlier();
		expect(seqs(log)).toHaveLength(1700);
	});

	it('finds the tail although the job’s number was old', async () => {
		const log = open(new FakeServer(3000));
		await log.open(10);
		expect(log.lastSeq).toBe(3000);
		expect(log.firstSeq).toBe(3000 - TAIL_PAGE + 1);
	});

	it('goes on after every cut, missing and doubling nothing', async () => {
		const server = new FakeServer(3, [2, 0, 5]);
		server.final = false;
		const log = open(server);
		const opening = log.open(3);
		server.write(20);
		await opening;
		expect(seqs(log)).toEqual(upTo(1, 23));
		expect(server.asked.filter((what) => what.startsWith('follow'))).toEqual([
			'follow 3',
			'follow 5',
			'follow 5',
			'follow 10',
		]);
		expect(log.reconnecting).toBe(false);
		expect(log.isFinal).toBe(true);
	});

	it('drops what a stream repeats and fetches what it skips', async () => {
		const server = new FakeServer(0);
		server.final = false;
		server.stream = function* () {
			for (const seq of [1, 2, 2, 1, 6, 3, 7]) yield entry(seq, 'message');
		};
		const log = open(server);
		const opening = log.open(0);
		server.write(7);
		await opening;
		expect(seqs(log)).toEqual(upTo(1, 7));
		expect(server.asked).toContain('after 2');
	});

	it('says when the server refuses, and goes on when asked again', async () => {
		const server = new FakeServer(5);
		let refuse = true;
		const before = server.before.bind(server);
		server.before = async (...args) => {
			if (refuse) throw Object.assign(new Error('No such job.'), { status: 404 });
			return before(...args);
		};
		const log = open(server);
		await log.open(5);
		expect(log.failure).toBe('No such job.');
		refuse = false;
		await log.retry();
		expect(log.failure).toBeNull();
		expect(log.isFinal).toBe(true);
	});

	it('tells once that the job is closed', async () => {
		let closed = 0;
		const server = new FakeServer(2, [1]);
		server.final = false;
		await open(server, () => void closed++).open(0);
		expect(closed).toBe(1);
	});

	it('stops when it is disposed of', async () => {
		const server = new FakeServer(1, Array<number>(100).fill(0));
		server.final = false;
		const log: RunLog = new RunLog('j', {
			source: server,
			pause: async (): Promise<void> => log.dispose(),
			schedule: (run) => run(),
		});
		await log.open(1);
		expect(log.isFinal).toBe(false);
		expect(server.asked.filter((what) => what.startsWith('follow'))).toHaveLength(1);
	});
});
