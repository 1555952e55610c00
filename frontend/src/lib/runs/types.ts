/** A job and its log as the server tells them. Hand-written until the OpenAPI schema names them. */

export type JobStatus = 'queued' | 'running' | 'completed' | 'failed' | 'cancelled';

export interface Usage {
	input_tokens: number;
	output_tokens: number;
	cache_read_tokens: number;
	cache_write_tokens: number;
	cost_usd: number;
	turns: number;
	duration_ms: number;
}

export interface JobRequest {
	message: string;
	comments: { path: string; line: number; body: string }[];
	fresh: boolean;
}

export interface Job {
	id: string;
	card_id: string;
	kind: string;
	status: JobStatus;
	agent: string | null;
	runner_id: string | null;
	runner_name: string | null;
	attempt: number;
	stop_reason: string | null;
	error: string | null;
	usage: Usage | null;
	session_id: string | null;
	head_sha: string | null;
	base_sha: string | null;
	phase: string | null;
	last_action: string | null;
	cancel_requested: boolean;
	request: JobRequest | null;
	/** The number of the log's last entry. */
	log_seq: number;
	logs: string;
	created_at: string;
	started_at: string | null;
	completed_at: string | null;
	version: number;
}

export type EntryKind =
	| 'phase'
	| 'message'
	| 'thinking'
	| 'tool_call'
	| 'tool_result'
	| 'user'
	| 'system'
	| 'usage'
	| 'git'
	| 'stdout'
	| 'stderr'
	| 'raw';

export interface EntryDetail {
	patch?: string;
	additions?: number;
	deletions?: number;
	sha?: string;
	subject?: string;
}

export interface Entry {
	/** Job-wide number, from 1, without gaps. */
	seq: number;
	attempt: number;
	at: string;
	kind: EntryKind;
	text: string;
	name: string | null;
	call_id: string | null;
	input: Record<string, unknown> | null;
	is_error: boolean;
	detail: EntryDetail | null;
	usage: Usage | null;
	raw: string | null;
}

export interface LogPage {
	items: Entry[];
	next_after: number;
	last_seq: number;
	/** The job is closed: nothing will ever follow `last_seq`. */
	is_final: boolean;
}

export const isOpen = (job: Job): boolean => job.status === 'queued' || job.status === 'running';
