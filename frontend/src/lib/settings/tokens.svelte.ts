/** Who may speak to this server: browsers, programs and runners, let in and shut out again. */

import { sentence } from '#lib/api/http.ts';
import { createToken, listTokens, revokeToken } from '#lib/api/system.ts';
import type { NewToken, Token } from '#lib/api/types.ts';

/** The kinds in the order in which people look for them. */
const TITLES: readonly (readonly [Token['kind'], string])[] = [
	['session', 'Browsers'],
	['person', 'Programs and git'],
	['runner', 'Runners'],
];

const PORTS = { listTokens, createToken, revokeToken };

export class Tokens {
	items = $state.raw<readonly Token[]>([]);
	loaded = $state(false);
	failure = $state<string | null>(null);
	/** The last one that was made: its text is known here and nowhere else. */
	fresh = $state.raw<NewToken | null>(null);
	busy = $state(false);

	/** By kind, the last used first, this browser before all; kinds without any are left out. */
	readonly groups: readonly { title: string; items: readonly Token[] }[] = $derived(
		TITLES.map(([kind, title]) => ({
			title,
			items: this.items.filter((token) => token.kind === kind).sort(byUse),
		})).filter(({ items }) => items.length > 0),
	);

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

function byUse(a: Token, b: Token): number {
	if (a.is_own !== b.is_own) return a.is_own ? -1 : 1;
	return (b.last_used_at ?? b.created_at).localeCompare(a.last_used_at ?? a.created_at);
}
