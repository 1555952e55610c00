/** A job and its log in the server's words. */

import type { components } from '#lib/api/schema.gen.ts';

type Schemas = components['schemas'];

export type Job = Schemas['Page_Job_']['items'][number];
export type Usage = Schemas['Usage'];
export type StopReason = Schemas['StopReason'];
export type EntryKind = Schemas['EntryKind'];

/** What a tool's result or a git entry tells beyond its text; OpenAPI leaves it open. */
export interface EntryDetail {
	patch?: string;
	additions?: number;
	deletions?: number;
	sha?: string;
	subject?: string;
}

export type Entry = Omit<Required<Schemas['StoredEntry']>, 'detail'> & {
	detail: EntryDetail | null;
};

/** A page as it travels: an entry's members that say nothing may be missing. */
export type SentEntry = Pick<Entry, 'seq' | 'at' | 'kind'> & Partial<Entry>;
export type LogPage = Omit<Schemas['LogPage'], 'items'> & { items: Entry[] };

export const isOpen = (job: Job): boolean => job.status === 'queued' || job.status === 'running';
