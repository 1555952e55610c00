/** A repository's secrets: set and deleted by name. No answer ever holds a value. */

import { get, request, sentence } from '#lib/api/http.ts';

export interface Secret {
	name: string;
	updated_at: string;
}

const path = (repoId: string, name?: string) =>
	`/api/repos/${repoId}/secrets${name === undefined ? '' : `/${encodeURIComponent(name)}`}`;

const server = {
	list: async (repoId: string) => (await get<{ items: Secret[] }>(path(repoId))).items,
	put: (repoId: string, name: string, value: string) =>
		request<Secret>('PUT', path(repoId, name), { body: { value } }),
	remove: (repoId: string, name: string) => request<undefined>('DELETE', path(repoId, name)),
};

export class Secrets {
	items = $state.raw<readonly Secret[]>([]);
	name = $state('');
	value = $state('');
	busy = $state(false);
	failure = $state<string | null>(null);
	readonly whyNot: string | null = $derived.by(() => {
		if (!/^[A-Za-z_]\w*$/.test(this.name.trim())) return 'Give it a name like NPM_TOKEN.';
		return this.value ? null : 'Give it a value.';
	});

	constructor(
		readonly repoId: string,
		private readonly ports = server,
	) {}

	async load(): Promise<void> {
		await this.#ask(async () => undefined);
	}

	/** Keep what stands in the fields; the value is forgotten here as soon as the server has it. */
	async save(): Promise<void> {
		if (this.whyNot !== null) return;
		const kept = await this.#ask(() => this.ports.put(this.repoId, this.name.trim(), this.value));
		if (kept) this.name = this.value = '';
	}

	async remove(name: string): Promise<void> {
		await this.#ask(() => this.ports.remove(this.repoId, name));
	}

	async #ask(work: () => Promise<unknown>): Promise<boolean> {
		this.busy = true;
		this.failure = null;
		try {
			await work();
			this.items = await this.ports.list(this.repoId);
			return true;
		} catch (error) {
			this.failure = sentence(error);
			return false;
		} finally {
			this.busy = false;
		}
	}
}
