/** Things for tests, whole and valid, with the fields that a test is about. */

import type { CardSummary } from '#lib/api/types.ts';

export function aCard(fields: Partial<CardSummary> = {}): CardSummary {
	return {
		id: 'c1',
		repo_id: 'r1',
		number: 1,
		title: 'Show the shipping estimate',
		status: 'todo',
		position: 1,
		labels: [],
		priority: 0,
		agent: 'claude',
		base_branch: 'main',
		branch_name: null,
		branch_deleted: false,
		head_sha: null,
		pr_url: null,
		pr_state: null,
		pr_note: null,
		job_id: null,
		failure: null,
		version: 1,
		created_at: '2026-11-01T12:00:00Z',
		updated_at: '2026-11-01T12:00:00Z',
		stopping: false,
		no_changes: false,
		live: null,
		merged_sha: null,
		checks: null,
		merge_state: null,
		archived_at: null,
		...fields,
	};
}
