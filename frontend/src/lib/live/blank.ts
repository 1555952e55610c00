/** A running job of which nothing is known yet. */

import type { CardLive } from '#lib/api/types.ts';

export function aLive(fields: Partial<CardLive> = {}): CardLive {
	return {
		job_id: '',
		job_status: 'queued',
		agent: '',
		phase: null,
		last_action: null,
		started_at: null,
		queued_at: '',
		completed_at: null,
		queue_position: null,
		held_by: null,
		additions: null,
		deletions: null,
		files: null,
		cost_usd: null,
		attempt: 0,
		mergeable: null,
		conflicts: [],
		behind: null,
		conflicts_with: [],
		uncompared: 0,
		...fields,
	};
}
