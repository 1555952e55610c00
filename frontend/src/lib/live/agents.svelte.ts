/** Which coding agents this server can run, and what is missing for the others. Read when asked for. */

import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import { sentence } from '#lib/api/http.ts';
import { listAgents, testAgent } from '#lib/api/system.ts';
import type { Agent, AgentTrial } from '#lib/api/types.ts';

export class AgentStore {
	loaded = $state(false);
	failure = $state<string | null>(null);
	items = $state.raw<readonly Agent[]>([]);
	/** How testing went, by the agent's name. */
	readonly trials = new SvelteMap<string, AgentTrial>();
	readonly testing = new SvelteSet<string>();

	find(name: string | null): Agent | undefined {
		return this.items.find((agent) => agent.name === name);
	}

	/** Ask its model for one word. */
	async test(name: string): Promise<void> {
		if (this.testing.has(name)) return;
		this.testing.add(name);
		this.trials.delete(name);
		try {
			this.trials.set(name, await testAgent(name));
		} catch (error) {
			this.trials.set(name, { ok: false, detail: sentence(error), fix: null });
		} finally {
			this.testing.delete(name);
		}
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
