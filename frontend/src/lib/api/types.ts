/**
 * The server's words, by the names the UI uses. Made from its OpenAPI description
 * (`npm run generate`); only what OpenAPI cannot say is written by hand.
 */

import type { components } from './schema.gen.ts';

type Schemas = components['schemas'];

/** The columns of the board in their order. */
export const STATUSES = [
	'todo',
	'in_progress',
	'in_review',
	'done',
	'failed',
] as const satisfies readonly Schemas['CardStatus'][];
export type CardStatus = Schemas['CardStatus'];

export type CardSummary = Schemas['CardSummary'];
export type CardFailure = Schemas['Failure'];
/** A card's current or last job, as far as the board shows it. */
export type CardLive = Schemas['Live'];
/** Why a queued job would not be given out, even to a free runner. */
export type HeldBy = Schemas['HeldBy'];
/** A run of the checks, on one pair of commits or on the tip of the default branch. */
export type CheckRun = Schemas['CheckRun'];
/** A comment that was sent, and what came of it. */
export type ReviewComment = Schemas['ReviewComment'];
/** A run of a card's agent, and the heads of the branch around it. */
export type Round = Schemas['Round'];
/** Where a queued card stands. */
export type Waiting = Schemas['Waiting'];

/** What an agent needs to know beyond the card. */
export interface AgentOptions {
	/** agent = script */
	command?: string;
	/** agent = claude */
	model?: string;
}
export type Card = Omit<Schemas['Card'], 'agent_options'> & { agent_options: AgentOptions };

type Writable = 'title' | 'description' | 'labels' | 'priority' | 'agent' | 'base_branch';
export type CardDraft = { title: string } & Partial<
	Pick<Schemas['NewCard'], Writable | 'start'>
> & {
		agent_options?: AgentOptions;
	};

/** A file that is attached to a card, for its agent. */
export type Attachment = Schemas['Attachment'];
/** What a card may have: bytes of one file, how many files, bytes of all. */
export type AttachmentLimits = Schemas['AttachmentLimits'];

/** A filter of a board with a name. */
export type SavedView = Schemas['SavedView'];
/** What a new card can begin with. */
export type CardTemplate = Schemas['CardTemplate'];

export type Repo = Schemas['Repo'];
/** How the checks of a default branch stand. */
export type DefaultChecks = Schemas['DefaultChecks'];
/** What approving makes of a card's commits. */
export type MergeMethod = Schemas['MergeMethod'];
/** How the base comes into a card's branch. */
export type UpdateMethod = Schemas['UpdateMethod'];
/** What a card's pull request would say, and whether the server can open it. */
export type PullDraft = Schemas['PullDraft'];
export type PullWanted = Partial<Schemas['PullRequestBody']>;
/** What stands in the way of a card in review. */
export type Conflicts = Schemas['Conflicts'];
export type RepoSettings = Schemas['RepoSettingsView'];
/** Settings to change; null goes back to the default. */
export type RepoSettingsPatch = Schemas['RepoSettingsPatch'];

/** `ahead`: commits that the default branch does not have; `behind`: those that this one lacks. */
export type Branch = Schemas['Branch'];
/** What an attempt pushed after it had lost its lease. */
export type RecoveredWork = Schemas['RecoveredWork'];

export type Runner = Schemas['Runner'];
export type RunnerStatus = Schemas['RunnerStatus'];
export type Isolation = Schemas['Isolation'];
export type Pool = Schemas['PoolView'];
/** Of what a pool's containers are made, and how much each may use. */
export type Containers = Schemas['Containers'];
export type PoolPatch = Schemas['PoolPatch'];
export type RunnerCommand = Schemas['RunnerCommand'];
export type RunnerList = Schemas['RunnerList'];
export type Token = Schemas['Token'];
/** The only answer that has a token's text. */
export type NewToken = Schemas['NewToken'];

export type Agent = Schemas['AgentStatus'];
export type AgentTrial = Schemas['AgentTrial'];
export type Health = Schemas['Health'];
/** The server's own settings. */
export type Settings = Schemas['Settings'];
export type SettingsPatch = Schemas['SettingsPatch'];
export type Identity = Schemas['Identity'];
/** What LazyAF takes of the disks, and what is left. Sizes are in bytes. */
export type DiskUse = Schemas['DiskUse'];
export type DemoMade = Schemas['DemoMade'];

/** A page of a list; `next_cursor` is null on the last one. */
export interface Page<T> {
	items: T[];
	next_cursor: string | null;
}

/**
 * One event of the live feed. `data` by family: card.* and job.* carry `card` (deleted: `id`),
 * runner.* `runner`, repo.* `repo`, settings.* `settings`, view.* `view`. Jobs without a card have none;
 * branch.checked carries `checks`.
 */
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
		card?: CardSummary | null;
		job?: unknown;
		runner?: Runner;
		repo?: Repo;
		repo_id?: string;
		checks?: DefaultChecks | null;
		settings?: Partial<Settings>;
		view?: SavedView;
	};
}
