/** A repository's settings while a person edits them: only what was changed is sent. */

import { ApiError, sentence } from '#lib/api/http.ts';
import { updateRepo } from '#lib/api/repos.ts';
import { checksOf, problemOf, textOf } from './checks-text.ts';
import type { Repo, RepoSettings, RepoSettingsPatch } from '#lib/api/types.ts';

/** As they stand in the fields: text and minutes. */
export interface Fields {
	default_branch: string;
	remote_url: string;
	agent: string;
	branch_prefix: string;
	wip_limit: string;
	setup_command: string;
	job_limit: string;
	idle_limit: string;
	setup_limit: string;
	trusted: boolean;
	merge_method: string;
	merge_message: string;
	delete_branch: boolean;
	/** Patterns, separated by commas or blanks. */
	protected_branches: string;
	only_approve: boolean;
	/** Hosts, separated by commas or blanks. */
	allowed_hosts: string;
	image: string;
	/** One a line, `name: command`. */
	checks: string;
	fix_rounds: string;
	default_checks: string;
	/** Minutes, empty for never. */
	sync_every: string;
	/** The forge's kind, empty for what the name of its host says. */
	forge: string;
	forge_api_url: string;
	forge_shares_login: boolean;
}

const minutes = (seconds: number) => String(Math.round((seconds / 60) * 10) / 10);

export function fieldsOf(repo: Repo): Fields {
	const { settings } = repo;
	return {
		default_branch: repo.default_branch,
		remote_url: repo.remote_url ?? '',
		agent: settings.agent,
		branch_prefix: settings.branch_prefix,
		wip_limit: settings.wip_limit === null ? '' : String(settings.wip_limit),
		setup_command: settings.setup_command ?? '',
		job_limit: minutes(settings.job_limit_s),
		idle_limit: minutes(settings.idle_limit_s),
		setup_limit: minutes(settings.setup_limit_s),
		trusted: settings.trusted,
		merge_method: settings.merge_method,
		merge_message: settings.merge_message ?? '',
		delete_branch: settings.delete_branch,
		protected_branches: settings.protected_branches.join(', '),
		only_approve: settings.only_approve,
		allowed_hosts: settings.allowed_hosts.join('\n'),
		image: settings.image ?? '',
		checks: textOf(settings.checks),
		fix_rounds: String(settings.fix_rounds),
		default_checks: settings.default_checks,
		sync_every: settings.sync_every_s === null ? '' : minutes(settings.sync_every_s),
		forge: settings.forge ?? '',
		forge_api_url: settings.forge_api_url ?? '',
		forge_shares_login: settings.forge_shares_login,
	};
}

type Change = Parameters<typeof updateRepo>[1];
const LIMITS = {
	job_limit: 'job_limit_s',
	idle_limit: 'idle_limit_s',
	setup_limit: 'setup_limit_s',
} as const;
const TIMES = { ...LIMITS, sync_every: 'sync_every_s' } as const;

export class SettingsForm {
	fields = $state<Fields>({} as Fields);
	errors = $state.raw<Readonly<Record<string, string>>>({});
	failure = $state<string | null>(null);
	busy = $state(false);
	#repo = $state.raw<Repo>({} as Repo);

	readonly dirty: boolean = $derived.by(() =>
		this.isChanged(...(Object.keys(this.fields) as (keyof Fields)[])),
	);

	constructor(
		repo: Repo,
		private readonly update: typeof updateRepo = updateRepo,
	) {
		this.#repo = repo;
		this.fields = fieldsOf(repo);
	}

	/** Whether one of these is otherwise than it is saved. */
	isChanged(...names: (keyof Fields)[]): boolean {
		const saved = fieldsOf(this.#repo);
		return names.some((name) => saved[name] !== this.fields[name]);
	}

	/** Decided by `.lazyaf/config.toml` on the default branch, whatever is set here. */
	isFromFile(name: keyof Fields): boolean {
		const known = name in TIMES ? TIMES[name as keyof typeof TIMES] : name;
		return this.#repo.settings_from_file.includes(known);
	}

	/** Why that file could not be read. */
	get fileProblem(): string | null {
		return this.#repo.config_error;
	}

	reset(): void {
		this.fields = fieldsOf(this.#repo);
		this.errors = {};
		this.failure = null;
	}

	/** The repository after it was saved, or null when it was not. */
	async save(): Promise<Repo | null> {
		this.errors = this.check();
		this.failure = null;
		if (Object.keys(this.errors).length > 0 || this.busy) return null;
		this.busy = true;
		try {
			const repo = await this.update(this.#repo.id, this.change());
			this.#repo = repo;
			this.fields = fieldsOf(repo);
			return repo;
		} catch (error) {
			const wrong = error instanceof ApiError ? error.problem.fields : undefined;
			this.errors = wrong ? named(wrong) : {};
			if (Object.keys(this.errors).length === 0) this.failure = sentence(error);
			return null;
		} finally {
			this.busy = false;
		}
	}

	check(): Record<string, string> {
		const errors: Record<string, string> = {};
		const { fields } = this;
		for (const name of Object.keys(LIMITS) as (keyof typeof LIMITS)[]) {
			if (!(Number(fields[name]) > 0)) errors[name] = 'A number of minutes above zero.';
		}
		const wip = fields.wip_limit.trim();
		if (wip && !/^[1-9]\d*$/.test(wip))
			errors['wip_limit'] = 'A whole number, or empty for no limit.';
		const every = fields.sync_every.trim();
		if (every && !(Number(every) >= 1))
			errors['sync_every'] = 'A number of minutes from 1, or empty for never.';
		const wrong = problemOf(fields.checks);
		if (wrong) errors['checks'] = wrong;
		if (!/^\d+$/.test(fields.fix_rounds.trim()))
			errors['fix_rounds'] = 'A whole number, 0 for never.';
		if (!/^[\w.-]+(\/[\w.-]+)*$/.test(fields.branch_prefix.trim())) {
			errors['branch_prefix'] = 'Letters, digits, dots, dashes and slashes.';
		}
		return errors;
	}

	/** What differs from the repository as it is saved. */
	change(): Change {
		const { fields } = this;
		const differs = (name: keyof Fields) => this.isChanged(name);
		const settings: RepoSettingsPatch = {};
		if (differs('agent')) settings.agent = fields.agent || null;
		if (differs('branch_prefix')) settings.branch_prefix = fields.branch_prefix.trim();
		if (differs('wip_limit'))
			settings.wip_limit = fields.wip_limit.trim() ? Number(fields.wip_limit) : null;
		if (differs('setup_command')) settings.setup_command = fields.setup_command.trim() || null;
		if (differs('trusted')) settings.trusted = fields.trusted;
		if (differs('merge_method'))
			settings.merge_method = fields.merge_method as RepoSettings['merge_method'];
		if (differs('merge_message'))
			settings.merge_message = fields.merge_message.trim() ? fields.merge_message : null;
		if (differs('delete_branch')) settings.delete_branch = fields.delete_branch;
		if (differs('protected_branches'))
			settings.protected_branches = fields.protected_branches.split(/[\s,]+/).filter(Boolean);
		if (differs('allowed_hosts'))
			settings.allowed_hosts = fields.allowed_hosts.split(/[\s,]+/).filter(Boolean);
		if (differs('image')) settings.image = fields.image.trim() || null;
		if (differs('checks')) settings.checks = checksOf(fields.checks, this.#repo.settings.checks);
		if (differs('fix_rounds')) settings.fix_rounds = Number(fields.fix_rounds);
		if (differs('default_checks'))
			settings.default_checks = fields.default_checks as RepoSettings['default_checks'];
		if (differs('sync_every')) {
			const every = fields.sync_every.trim();
			settings.sync_every_s = every ? Math.round(Number(every) * 60) : null;
		}
		if (differs('forge')) settings.forge = (fields.forge || null) as RepoSettings['forge'];
		if (differs('forge_api_url')) settings.forge_api_url = fields.forge_api_url.trim() || null;
		if (differs('forge_shares_login')) settings.forge_shares_login = fields.forge_shares_login;
		if (differs('only_approve')) settings.only_approve = fields.only_approve;
		for (const name of Object.keys(LIMITS) as (keyof typeof LIMITS)[]) {
			if (differs(name)) settings[LIMITS[name]] = Math.round(Number(fields[name]) * 60);
		}
		const change: Change = {};
		if (differs('default_branch')) change.default_branch = fields.default_branch;
		if (differs('remote_url')) change.remote_url = fields.remote_url.trim() || null;
		if (Object.keys(settings).length > 0) change.settings = settings;
		return change;
	}
}

/** The server's names for fields (`settings.job_limit_s`) as the form's. */
function named(wrong: Record<string, string>): Record<string, string> {
	return Object.fromEntries(
		Object.entries(wrong).map(([name, why]) => [
			name.replace(/^.*\./, '').replace(/_(limit|every)_s$/, '_$1'),
			why,
		]),
	);
}
