/** Entries and jobs for tests. */

import type { Entry, EntryKind, Job } from './types.ts';

export function entry(seq: number, kind: EntryKind, fields: Partial<Entry> = {}): Entry {
	return {
		seq,
		attempt: 1,
		at: '2026-01-01T00:00:00Z',
		kind,
		text: `${kind} ${seq}`,
		name: null,
		call_id: null,
		input: null,
		is_error: false,
		detail: null,
		usage: null,
		raw: null,
		...fields,
	};
}

export function job(id: string, fields: Partial<Job> = {}): Job {
	return {
		id,
		repo_id: 'repo',
		card_id: 'card',
		kind: 'agent',
		status: 'completed',
		agent: 'claude',
		runner_id: null,
		runner_name: null,
		attempt: 1,
		stop_reason: 'finished',
		error: null,
		usage: null,
		blocked_hosts: {},
		session_id: null,
		head_sha: null,
		base_sha: null,
		phase: null,
		last_action: null,
		cancel_requested: false,
		request: { message: '', comments: [], fresh: false },
		log_seq: 0,
		logs: `/api/jobs/${id}/logs`,
		created_at: '2026-01-01T00:00:00Z',
		started_at: null,
		completed_at: null,
		version: 1,
		...fields,
	};
}
