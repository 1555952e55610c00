/** Who else may speak to this server: tokens of people and runners, made and taken back. */

import { sentence } from '#lib/api/http.ts';
import { createToken, listTokens, revokeToken } from '#lib/api/system.ts';
import type { NewToken, Token } from '#lib/api/types.ts';

const PORTS = { listTokens, createToken, revokeToken };

export class Tokens {
	items = $state.raw<readonly Token[]>([]);
	loaded = $state(false);
	failure = $state<string | null>(null);
	/** The last one that was made: its text is known here and nowhere else. */
	fresh = $state.raw<NewToken | null>(null);
	busy = $state(false);

	constructor(private readonly ports: typeof PORTS = PORTS) {}

	async load(): Promise<void> {
		try {
			this.items = (await this.ports.listTokens()).items;
			this.failure = null;
		} catch (error) {
			this.failure = sentence(error);
		} finally {
			this.loaded = true;
		}
	}

	/** Whether it was made. */
	async make(name: string): Promise<boolean> {
		if (this.busy || !name.trim()) return false;
		this.busy = true;
		try {
			this.fresh = await this.ports.createToken(name.trim());
		} catch (error) {
			this.failure = sentence(error);
			return false;
		} finally {
			this.busy = false;
		}
		await this.load();
		return true;
	}

	async revoke(id: string): Promise<void> {
		try {
			await this.ports.revokeToken(id);
		} catch (error) {
			this.failure = sentence(error);
			return;
		}
		this.items = this.items.filter((token) => token.id !== id);
		if (this.fresh?.id === id) this.fresh = null;
	}
}
