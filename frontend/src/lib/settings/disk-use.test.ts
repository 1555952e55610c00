import { describe, expect, it } from 'vitest';
import type { DiskUse } from '#lib/api/types.ts';
import { fill, rows } from './disk-use.svelte.ts';

const use: DiskUse = {
	measured_at: '2026-11-01T12:00:00Z',
	disks: [],
	reserve: 500,
	warning: null,
	database: { total: 100, wal: 10, reusable: 5, logs: 60, copies: 7 },
	repositories: [{ id: 'r', name: 'shop', bytes: 1000 }],
	attachments: 5,
	work: { trees: 1, homes: 2, caches: 3, spares: 4 },
};

describe('rows', () => {
	it('counts every byte once', () => {
		const { database, attachments, work } = use;
		const all = database.total + database.wal + database.copies + attachments;
		const agents = work.trees + work.homes + work.caches + work.spares;
		expect(rows(use).reduce((sum, row) => sum + row.bytes, 0)).toBe(all + agents);
	});

	it('tells the logs apart from the rest of the database', () => {
		const by = Object.fromEntries(rows(use).map(({ name, bytes }) => [name, bytes]));
		expect(by['Database']).toBe(50);
		expect(by['Logs of jobs']).toBe(60);
	});
});

describe('fill', () => {
	const disk = { folders: ['/data'], total: 1000, free: 250, is_low: false };

	it('is what all programs take, and where the reserve begins', () => {
		expect(fill(disk, 100)).toEqual({ used: 75, limit: 90 });
	});

	it('stays on the bar with a reserve that is larger than the disk', () => {
		expect(fill(disk, 5000)).toEqual({ used: 75, limit: 0 });
	});
});
