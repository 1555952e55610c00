/** The token with which the server opens pull requests: kept, forgotten, tried. It never comes out again. */

import { sentence } from '#lib/api/http.ts';
import type { Repo } from '#lib/api/types.ts';
import { forgetForgeToken, keepForgeToken, tryForgeToken } from './repo-source.ts';
import type { TokenTried } from './types.ts';

export class ForgeToken {
	/** What is typed; forgotten here as soon as the server has it. */
	text = $state('');
	busy = $state<'keep' | 'forget' | 'try' | null>(null);
	failure = $state<string | null>(null);
	/** What the last try has shown. */
	tried = $state.raw<TokenTried | null>(null);

	constructor(
		readonly repoId: string,
		private readonly onchanged: (repo: Repo) => void,
		private readonly ports = { keepForgeToken, forgetForgeToken, tryForgeToken },
	) {}

	/** The token that was tried opens no pull request, as far as the forge tells. */
	readonly isOfNoUse: boolean = $derived(
		this.tried !== null && (this.tried.archived || this.tried.may_write === false),
	);

	/** Keep what stands in the field, and see at once whether it works. */
	async keep(): Promise<void> {
		const token = this.text.trim();
		if (!token) return;
		const kept = await this.#ask('keep', async () => {
			this.onchanged(await this.ports.keepForgeToken(this.repoId, token));
			this.text = '';
		});
		if (kept) await this.try();
	}

	async try(): Promise<void> {
		await this.#ask('try', async () => {
			this.tried = await this.ports.tryForgeToken(this.repoId);
		});
	}

	/** Delete it; `without` is the repository then. */
	async forget(without: Repo): Promise<void> {
		await this.#ask('forget', async () => {
			await this.ports.forgetForgeToken(this.repoId);
			this.onchanged(without);
		});
	}

	async #ask(what: 'keep' | 'forget' | 'try', work: () => Promise<void>): Promise<boolean> {
		if (this.busy) return false;
		this.busy = what;
		this.failure = null;
		this.tried = null;
		try {
			await work();
			return true;
		} catch (error) {
			this.failure = sentence(error);
			return false;
		} finally {
			this.busy = null;
		}
	}
}
