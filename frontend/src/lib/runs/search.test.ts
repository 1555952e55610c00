import { expect, it, vi } from 'vitest';
import { entry, job } from './factories.ts';
import { FakeServer, settle } from './log-server.ts';
import type { LogPage } from './types.ts';
import { LogSearch } from './search.svelte.ts';
import { Timeline } from './timeline.svelte.ts';

const LENGTH = 6000;

/** A run of which only the tail is held; some entries of it have the word. */
async function searched(server: FakeServer, ...seqs: number[]) {
	for (const seq of seqs)
		server.entries[seq - 1] = entry(seq, 'message', { text: 'a Needle here' });
	const run = job('run', {
		log_seq: server.entries.length,
		request: { message: 'Find the needle.', comments: [], fresh: false },
	});
	const timeline = new Timeline('card', { source: server, jobs: async () => [run] });
	await timeline.refresh();
	await settle();
	return { search: new LogSearch(timeline), timeline, log: timeline.log };
}
const found = (search: LogSearch) => search.hits.map((hit) => hit.seq);

it('finds at once what is held, and what the person asked for', async () => {
	const { search } = await searched(new FakeServer(LENGTH), 3, 5700, 5900);
	search.look('NEEDLE');
	expect(found(search)).toEqual([0, 5700, 5900]);
	expect([search.at, search.isPartial]).toEqual([2, true]);
	search.look('  ');
	expect([search.hits, search.current, search.isPartial]).toEqual([[], null, false]);
});

it('finds everything page by page, and holds no more than before', async () => {
	const { search, log } = await searched(new FakeServer(LENGTH), 3, 2500, 5900);
	const held = log?.held;
	search.look('needle');
	await search.scan();
	expect(found(search)).toEqual([0, 3, 2500, 5900]);
	expect(log?.held).toBe(held);
	expect([search.isPartial, search.progress]).toEqual([false, null]);
});

it('goes from match to match, and has the log hold where it is', async () => {
	const { search, timeline } = await searched(new FakeServer(LENGTH), 3, 5900);
	search.look('needle');
	await search.scan();
	search.step(-1);
	expect(search.current).toEqual({ jobId: 'run', seq: 3 });
	expect(timeline.indexOf({ jobId: 'run', seq: 3 })).toBe(-1);
	await timeline.bring({ jobId: 'run', seq: 3 });
	const index = timeline.indexOf({ jobId: 'run', seq: 3 });
	expect(timeline.rows[index]?.key).toBe('run/3');
	search.step(-1);
	expect(timeline.rows[timeline.indexOf(search.current ?? { jobId: '', seq: -1 })]?.kind).toBe(
		'request',
	);
	search.step(-1);
	expect(search.current?.seq).toBe(5900);
});

it('skips matches in the row where it stands', async () => {
	const server = new FakeServer(0);
	server.entries = [1, 2, 3].map((seq) => entry(seq, 'stdout', { text: 'needle' }));
	server.entries.push(entry(4, 'message', { text: 'needle' }));
	const { search } = await searched(server);
	search.look('needle');
	expect([found(search), search.current?.seq]).toEqual([[0, 1, 2, 3, 4], 4]);
	search.step(-1);
	expect(search.current?.seq).toBe(3);
	search.step(-1);
	expect(search.current?.seq).toBe(0);
});

it('adds what comes after it has searched', async () => {
	const server = new FakeServer(LENGTH);
	server.final = false;
	server.goesOn = true;
	const { search } = await searched(server, 3);
	search.look('needle');
	await search.scan();
	server.entries.push(entry(LENGTH + 1, 'message', { text: 'needle' }));
	server.write(1);
	await settle();
	await vi.waitFor(() => expect(found(search)).toEqual([0, 3, LENGTH + 1]));
	expect(search.isPartial).toBe(false);
});

it('ends when it is cancelled or looks for something else, and says how far it is', async () => {
	const server = new FakeServer(LENGTH);
	const { search } = await searched(server, 3);
	const before = server.before.bind(server);
	const shares: (number | null)[] = [];
	let stop: () => void = () => undefined;
	server.before = async (...args): Promise<LogPage> => {
		shares.push(search.progress);
		if (shares.length === 2) stop();
		return before(...args);
	};
	for (const leave of [() => search.cancel(), () => search.look('hay')]) {
		search.look('needle');
		shares.length = 0;
		stop = leave;
		await search.scan();
		expect(shares).toHaveLength(2);
		expect(shares[1]).toBeGreaterThan(0.3);
		expect(search.progress).toBeNull();
		expect(found(search)).not.toContain(3);
	}
});

it('says why it could not search', async () => {
	const server = new FakeServer(LENGTH);
	const { search } = await searched(server, 3);
	server.before = async () => {
		throw new Error('The server is away.');
	};
	search.look('needle');
	await search.scan();
	expect([search.failure, search.progress]).toEqual(['The server is away.', null]);
	expect(search.isPartial).toBe(true);
});
