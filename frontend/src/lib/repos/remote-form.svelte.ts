/**
 * Asks the server to fetch from a remote, and the person for credentials once the remote wants them.
 *
 * What is typed is sent and forgotten; the server keeps it for that remote alone.
 */

import { ApiError, sentence } from '#lib/api/http.ts';
import type { Repo } from '#lib/api/types.ts';
import { fetchRepo, importRepo } from './repo-source.ts';

const WANTED = ['credentials_wanted', 'credentials_refused'];

export class RemoteForm {
	url = $state('');
	name = $state('');
	username = $state('');
	password = $state('');
	/** The remote wants to know who this is. */
	wanted = $state(false);
	busy = $state(false);
	failure = $state<string | null>(null);
	errors = $state.raw<Readonly<Record<string, string>>>({});

	constructor(
		private readonly add: typeof importRepo = importRepo,
		private readonly again: typeof fetchRepo = fetchRepo,
	) {}

	/** Add the repository at the URL: it is fetched from now on. Null when it was not added. */
	import(): Promise<Repo | null> {
		const name = this.name.trim();
		return this.#ask(() =>
			this.add({ url: this.url.trim(), ...(name ? { name } : {}), ...this.#login() }),
		);
	}

	/** Bring a repository up to date from its remote. Null when that did not begin. */
	fetch(repo: Repo): Promise<Repo | null> {
		return this.#ask(() => this.again(repo.id, this.#login()));
	}

	#login() {
		const username = this.username.trim();
		return {
			...(username ? { username } : {}),
			...(this.password ? { password: this.password } : {}),
		};
	}

	async #ask(send: () => Promise<Repo>): Promise<Repo | null> {
		if (this.busy) return null;
		this.busy = true;
		this.failure = null;
		this.errors = {};
		try {
			const repo = await send();
			this.password = '';
			this.wanted = false;
			return repo;
		} catch (error) {
			if (error instanceof ApiError) {
				if (WANTED.includes(error.code)) this.wanted = true;
				if (error.code === 'name_taken') this.errors = { name: error.message };
				else this.errors = error.problem.fields ?? {};
			}
			if (Object.keys(this.errors).length === 0) this.failure = sentence(error);
			return null;
		} finally {
			this.busy = false;
		}
	}
}
