/** Which coding agents this server can run, and what is missing for the others. Read when asked for. */

import { sentence } from '#lib/api/http.ts';
import { listAgents } from '#lib/api/system.ts';
import type { Agent } from '#lib/api/types.ts';

export class AgentStore {
	loaded = $state(false);
	failure = $state<string | null>(null);
	items = $state.raw<readonly Agent[]>([]);

	find(name: string | null): Agent | undefined {
		return this.items.find((agent) => agent.name === name);
	}

	/** Looks again each time: a person may have installed one meanwhile. */
	async load(): Promise<void> {
		try {
			this.items = (await listAgents()).items;
			this.loaded = true;
			this.failure = null;
		} catch (error) {
			this.failure = sentence(error);
		}
	}
}

/** Why an agent cannot run here, as one line; null when it can or is not known. */
export function whyNotAvailable(agent: Agent | undefined): string | null {
	if (!agent || agent.available) return null;
	return `Not available: ${agent.reason ?? 'not found.'}`;
}

export const agents = new AgentStore();
