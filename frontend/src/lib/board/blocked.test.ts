import { expect, test } from 'vitest';
import type { LiveEvent } from '#lib/api/types.ts';
import { Blocked, timesText } from './blocked.svelte.ts';

const event = (subject: string, counts: Record<string, number>) =>
	({
		type: 'job.progressed',
		subject,
		data: { job: { blocked_hosts: counts } },
	}) as unknown as LiveEvent;

test('the most wanted host comes first', async () => {
	const blocked = new Blocked(() => Promise.resolve({ 'a:1': 1, 'b:1': 3, 'c:1': 1 }));
	await blocked.load('one');
	expect(blocked.hosts.map(({ host }) => host)).toEqual(['b:1', 'a:1', 'c:1']);
});

test('a job of another card changes nothing', async () => {
	const blocked = new Blocked(() => Promise.resolve({}));
	await blocked.load('one');
	blocked.event(event('two', { 'a:1': 1 }));
	expect(blocked.hosts).toEqual([]);
	blocked.event(event('one', { 'a:1': 2 }));
	expect(blocked.hosts).toEqual([{ host: 'a:1', times: 2 }]);
});

test('times in words', () => {
	expect(timesText(1)).toBe('once');
	expect(timesText(4)).toBe('4 times');
});
