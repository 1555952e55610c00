/** The server's words. Replaced by aliases to the generated schema once the server publishes it. */

export const STATUSES = ['todo', 'in_progress', 'in_review', 'done', 'failed'] as const;
export type CardStatus = (typeof STATUSES)[number];

export interface CardFailure {
	reason: string;
	detail: string | null;
	hint: string | null;
}

/** What the board computes while it matters: a running job, or a branch waiting for review. */
export interface CardLive {
	phase: string | null;
	last_action: string | null;
	started_at: string | null;
	queued_at: string | null;
	queue_position: number | null;
	additions: number | null;
	deletions: number | null;
	files: number | null;
	cost_usd: number | null;
	attempt: number | null;
	mergeable: boolean | null;
	conflicts: string[];
}

export interface CardSummary {
	id: string;
	repo_id: string;
	number: number;
	title: string;
	status: CardStatus;
	position: number;
	labels: string[];
	/** 0 none … 4 urgent */
	priority: number;
	agent: string | null;
	base_branch: string | null;
	branch_name: string | null;
	pr_url: string | null;
	job_id: string | null;
	failure: CardFailure | null;
	version: number;
	created_at: string;
	updated_at: string;
	stopping: boolean;
	no_changes: boolean;
	live: CardLive | null;
	merged_sha: string | null;
}

export interface AgentOptions {
	/** agent = script */
	command?: string;
	/** agent = claude */
	model?: string;
}

export interface Card extends CardSummary {
	description: string;
	agent_options: AgentOptions;
}

export interface CardDraft {
	title: string;
	description?: string;
	labels?: string[];
	priority?: number;
	agent?: string | null;
	agent_options?: AgentOptions;
	base_branch?: string | null;
	start?: boolean;
}

export interface RepoSettings {
	agent: string | null;
	branch_prefix: string;
	wip_limit: number | null;
	setup_command: string | null;
	job_limit_s: number;
	idle_limit_s: number;
	setup_limit_s: number;
	trusted: boolean;
}

export interface Repo {
	id: string;
	name: string;
	remote_url: string | null;
	default_branch: string;
	is_ingested: boolean;
	internal_git_url: string;
	settings: RepoSettings;
	created_at: string;
	version: number;
}

export type RunnerStatus = 'idle' | 'busy' | 'draining' | 'offline';
export type Isolation = 'container' | 'bubblewrap' | 'none';

export interface Runner {
	id: string;
	name: string;
	pool: string | null;
	status: RunnerStatus;
	isolation: Isolation;
	version: string;
	agents: string[];
	labels: string[];
	current_job_id: string | null;
	current_card: { id: string; number: number; repo_id: string; title: string } | null;
	last_heartbeat: string | null;
	created_at: string;
}

export interface Pool {
	kind: string;
	target: number;
	available: boolean;
	reason: string | null;
	fix: string | null;
	isolation: Isolation;
}

export interface Agent {
	name: string;
	title: string;
	available: boolean;
	reason: string | null;
	fix: string | null;
	version: string | null;
	path: string | null;
}

export interface Health {
	status: string;
	version: string;
	auth: 'token' | 'off';
	epoch: string;
}

export interface Page<T> {
	items: T[];
	next_cursor: string | null;
}

/** One event of the live feed; `data` by family: card.* {card}, job.* {card, job}, runner.* {runner}, repo.* {repo}. */
export interface LiveEvent {
	id: number;
	cursor: string;
	at: string;
	type: string;
	family: string;
	actor: string | null;
	subject: string | null;
	version: number | null;
	data: {
		id?: string;
		card?: CardSummary;
		job?: unknown;
		runner?: Runner;
		repo?: Repo;
	};
}
