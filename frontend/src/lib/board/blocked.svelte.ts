/** Hosts that a card's job wanted from inside its container and did not reach. */

import { get } from '#lib/api/http.ts';
import type { LiveEvent } from '#lib/api/types.ts';

type Counts = Readonly<Record<string, number>>;
export interface BlockedHost {
	host: string;
	times: number;
}

const askServer = async (jobId: string) =>
	(await get<{ blocked_hosts: Counts }>(`/api/jobs/${jobId}`)).blocked_hosts;

export class Blocked {
	#counts = $state.raw<Counts>({});
	#jobId: string | null = null;
	/** Most wanted first. */
	readonly hosts: readonly BlockedHost[] = $derived(
		Object.entries(this.#counts)
			.map(([host, times]) => ({ host, times }))
			.sort((a, b) => b.times - a.times || a.host.localeCompare(b.host)),
	);

	constructor(private readonly ask: (jobId: string) => Promise<Counts> = askServer) {}

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
}

export const timesText = (times: number) => (times === 1 ? 'once' : `${times} times`);
