import { describe, expect, it } from 'vitest';
import { entry } from './factories.ts';
import { FakeServer, settle } from './log-server.ts';
import type { LogSource } from './log-source.ts';
import { PAGE, RunLog, TAIL_PAGE } from './run-log.svelte.ts';

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

describe('a run’s window', () => {
	const bounds = { entries: 2000, characters: 10_000_000 };
	const windowed = (source: LogSource, onclosed = () => undefined) =>
		new RunLog('j', {
			source,
			bounds,
			onclosed,
			pause: async () => undefined,
			schedule: (run) => run(),
		});
	/** What is shown is one run of numbers, within the bound. */
	function whole(log: RunLog) {
		expect(seqs(log)).toEqual(upTo(log.firstSeq, log.lastSeq));
		expect(log.held).toBe(log.lastSeq - log.firstSeq + 1);
		expect(log.held).toBeLessThanOrEqual(bounds.entries);
		return [log.firstSeq, log.lastSeq];
	}
	function live(count: number) {
		const server = new FakeServer(count);
		server.final = false;
		server.goesOn = true;
		const log = windowed(server);
		void log.open(count);
		return { server, log };
	}

	it('lets the oldest go while its end is followed, and reads them back', async () => {
		const { server, log } = live(10);
		await settle();
		for (let round = 0; round < 50; round++) {
			server.write(100);
			await settle();
			expect(whole(log)[1]).toBe(server.entries.length);
		}
		expect(log.hasEarlier).toBe(true);
		expect(log.hasLater).toBe(false);
		expect(server.asked).toEqual(['before 11', 'follow 10']);
		server.end();
		await settle();
		expect([log.isFinal, log.complete]).toEqual([true, true]);
		while (log.hasEarlier) {
			await log.loadEarlier();
			whole(log);
		}
		expect(log.firstSeq).toBe(1);
		expect(log.hasLater).toBe(true);
	});

	it('says that rows went in front, and that they came in front, but not that some went behind', async () => {
		const server = new FakeServer(5000);
		const log = windowed(server);
		await log.open(5000);
		await log.loadEarlier();
		let done = false;
		const steps: string[] = [];
		void log.loadEarlier().then(() => (done = true));
		while (!done) {
			const step = `${log.shifted ? 'in front' : 'behind'} ${log.firstSeq}–${log.lastSeq}`;
			if (steps.at(-1) !== step) steps.push(step);
			await Promise.resolve();
		}
		expect(steps).toEqual(['behind 3501–5000', 'in front 2501–5000', 'behind 2501–4500']);
	});

	it('stops following where the reader stays further up, and says that there is more', async () => {
		const { server, log } = live(10);
		await settle();
		log.atEnd = false;
		server.write(5000);
		await settle();
		const [first, last = 0] = whole(log);
		expect(first).toBe(1);
		expect(last).toBeLessThan(5000);
		expect(log.hasLater).toBe(true);
		await log.loadLater();
		expect(whole(log)[0]).toBeGreaterThan(1);
		expect(log.lastSeq).toBe(last + PAGE);
	});

	it('reads later pages down to the end, and follows again from there', async () => {
		const { server, log } = live(5000);
		await settle();
		for (let page = 0; page < 4; page++) await log.loadEarlier();
		expect(log.hasLater).toBe(true);
		const pages: number[] = [];
		while (log.hasLater) {
			await log.loadLater();
			pages.push(whole(log)[1] ?? 0);
		}
		expect(pages.at(-1)).toBe(5000);
		server.write(10);
		await settle();
		expect(whole(log)[1]).toBe(5010);
		expect(server.asked.at(-1)).toBe('follow 5000');
	});

	it('jumps to the tail as it is by then, and follows it', async () => {
		const { server, log } = live(5000);
		await settle();
		for (let page = 0; page < 4; page++) await log.loadEarlier();
		server.write(3000);
		await log.toLatest();
		await settle();
		expect(whole(log)).toEqual([8000 - TAIL_PAGE + 1, 8000]);
		expect(log.hasLater).toBe(false);
		server.write(1);
		await settle();
		expect(log.lastSeq).toBe(8001);
		expect(log.complete).toBe(false); // nobody has seen what came while it was away
	});

	it('shows any entry with what stands around it', async () => {
		const server = new FakeServer(9000);
		const log = windowed(server);
		await log.open(9000);
		await log.show(4000);
		const [first = 0, last = 0] = whole(log);
		expect(first).toBeLessThan(4000);
		expect(last).toBeGreaterThan(4000);
		expect([log.hasEarlier, log.hasLater, log.isFinal]).toEqual([true, true, true]);
		const asked = server.asked.length;
		await log.show(first);
		expect(server.asked).toHaveLength(asked); // it is held
		await log.show(9000);
		expect(whole(log)[1]).toBe(9000);
		expect(log.hasLater).toBe(false);
	});

	it('drops a page that comes after the window was moved', async () => {
		const server = new FakeServer(9000);
		const log = windowed(server);
		await log.open(9000);
		const before = server.before.bind(server);
		let arrive: () => void = () => undefined;
		server.before = async (...args) => {
			const page = await before(...args);
			if (args[1] > 8000) await new Promise<void>((resolve) => (arrive = resolve));
			return page;
		};
		const earlier = log.loadEarlier();
		await settle();
		await log.show(4000);
		const held = whole(log);
		arrive();
		await earlier;
		expect(whole(log)).toEqual(held);
	});

	it('goes where it was sent last, and drops a later page that comes too late', async () => {
		const server = new FakeServer(9000);
		const log = windowed(server);
		await log.open(9000);
		await log.show(6000);
		const after = server.after.bind(server);
		const late: (() => void)[] = [];
		server.after = async (...args) => {
			const page = await after(...args);
			if (args[1] > 3000) await new Promise<void>((resolve) => late.push(resolve));
			return page;
		};
		const moves = [log.loadLater(), log.show(4000)];
		await log.show(2000);
		const held = whole(log);
		expect(held[0]).toBeLessThan(2000);
		for (const arrive of late) arrive();
		await Promise.all(moves);
		expect(whole(log)).toEqual(held);
	});

	it('goes through all pages without holding them, and has then seen everything', async () => {
		const server = new FakeServer(9000);
		const log = windowed(server);
		await log.open(9000);
		const held = log.held;
		let next = 9000;
		for await (const page of log.pages(new AbortController().signal)) {
			for (const each of page.items.toReversed()) expect(each.seq).toBe(next--);
		}
		expect(next).toBe(0);
		expect(log.held).toBe(held);
		expect(log.complete).toBe(true);
	});

	it('tries again what failed', async () => {
		const server = new FakeServer(5000);
		const log = windowed(server);
		await log.open(5000);
		await log.show(10);
		const after = server.after.bind(server);
		server.after = async () => {
			throw new Error('Gone.');
		};
		await log.loadLater();
		expect(log.failure).toBe('Gone.');
		const last = log.lastSeq;
		server.after = after;
		await log.retry();
		expect(log.failure).toBeNull();
		expect(log.lastSeq).toBeGreaterThan(last);
		whole(log);
	});

	it('holds nothing when it rests, and opens again at the tail', async () => {
		const log = windowed(new FakeServer(5000));
		await log.open(5000);
		log.rest();
		expect(log.held).toBe(0);
		await log.open(5000);
		expect(whole(log)[1]).toBe(5000);
	});
});
