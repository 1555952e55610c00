/** Hosts that a card's job wanted from inside its container and did not reach, and the way to allow one. */

import { get, sentence } from '#lib/api/http.ts';
import { updateRepo } from '#lib/api/repos.ts';
import type { LiveEvent, Repo } from '#lib/api/types.ts';

type Counts = Readonly<Record<string, number>>;
export interface BlockedHost {
	host: string;
	times: number;
}

/** Under this the server counts what is too much to be named. */
const OTHERS = 'others';

const askServer = async (jobId: string) =>
	(await get<{ blocked_hosts: Counts }>(`/api/jobs/${jobId}`)).blocked_hosts;

export class Blocked {
	#counts = $state.raw<Counts>({});
	#jobId: string | null = null;
	failure = $state<string | null>(null);
	busy = $state<string | null>(null);
	/** Most wanted first. */
	readonly hosts: readonly BlockedHost[] = $derived(
		Object.entries(this.#counts)
			.map(([host, times]) => ({ host, times }))
			.sort((a, b) => b.times - a.times || a.host.localeCompare(b.host)),
	);

	constructor(
		private readonly ask: (jobId: string) => Promise<Counts> = askServer,
		private readonly update: typeof updateRepo = updateRepo,
	) {}

	async load(jobId: string): Promise<void> {
		if (jobId !== this.#jobId) this.#counts = {};
		this.#jobId = jobId;
		try {
			const counts = await this.ask(jobId);
			if (jobId === this.#jobId) this.#counts = counts;
		} catch {
			// Nobody asked for it; the next event may bring it.
		}
	}

	event(event: LiveEvent): void {
		if (!event.type.startsWith('job.') || event.subject !== this.#jobId) return;
		const job = event.data['job'] as { blocked_hosts?: Counts } | undefined;
		if (job?.blocked_hosts) this.#counts = job.blocked_hosts;
	}

	/** Let the repository's jobs reach this host as well; the repository as it is then. */
	async allow(host: string, repo: Repo): Promise<Repo | null> {
		if (this.busy) return null;
		this.busy = host;
		this.failure = null;
		try {
			const allowed_hosts = [...repo.settings.allowed_hosts, host];
			return await this.update(repo.id, { settings: { allowed_hosts } });
		} catch (error) {
			this.failure = sentence(error);
			return null;
		} finally {
			this.busy = null;
		}
	}
}

/** Whether a person can allow this host here: not what has no name, nor where the repository's file decides. */
export const mayAllow = (host: string, repo: Repo | undefined): boolean =>
	repo !== undefined && host !== OTHERS && !decidedByFile(repo);

export const decidedByFile = (repo: Repo): boolean =>
	repo.settings_from_file.includes('allowed_hosts');

export const timesText = (times: number) => (times === 1 ? 'once' : `${times} times`);
