/** What is on the disks, put into the rows that a person reads. Read when asked for. */

import { sentence } from '#lib/api/http.ts';
import { diskUse } from '#lib/api/system.ts';
import type { DiskUse } from '#lib/api/types.ts';

export interface Row {
	name: string;
	about: string;
	bytes: number;
}

export class DiskUseStore {
	value = $state.raw<DiskUse | null>(null);
	failure = $state<string | null>(null);
	busy = $state(false);

	async load(): Promise<void> {
		this.busy = true;
		try {
			this.value = await diskUse();
			this.failure = null;
		} catch (error) {
			this.failure = sentence(error);
		} finally {
			this.busy = false;
		}
	}
}

/** Everything but the repositories, which have rows of their own. */
export function rows({ database, attachments, work }: DiskUse): Row[] {
	return [
		{
			name: 'Database',
			about: 'Cards, jobs and settings; its write-ahead log as well.',
			bytes: database.total + database.wal - database.logs,
		},
		{ name: 'Logs of jobs', about: 'What agents said and did.', bytes: database.logs },
		{
			name: 'Copies of the database',
			about: 'Kept before upgrades.',
			bytes: database.copies,
		},
		{ name: 'Attached files', about: 'What people gave agents with cards.', bytes: attachments },
		{ name: 'Work trees', about: 'Of running jobs, and kept ones.', bytes: work.trees },
		{
			name: 'Homes of agents',
			about: 'Their conversations and tools, one per card.',
			bytes: work.homes,
		},
		{
			name: 'Caches and spare trees',
			about: 'Let jobs begin sooner; made again when they are needed.',
			bytes: work.caches + work.spares,
		},
	];
}

/** How full a disk is, in percent of it: by all programs, and where the reserve begins. */
export function fill(disk: DiskUse['disks'][number], reserve: number) {
	const share = (part: number) => Math.min(100, Math.max(0, (100 * part) / disk.total));
	return { used: share(disk.total - disk.free), limit: share(disk.total - reserve) };
}
