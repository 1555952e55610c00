/**
 * Who this tab is: the token in origin-scoped storage (rules.md R3), how it came here, and whether
 * the server accepts it. A link from `lazyaf open` carries a one-time code in the fragment.
 */

import { ApiError, sentence, useCredentials } from '#lib/api/http.ts';
import { exchangeCode, health } from '#lib/api/system.ts';

const KEY = 'lazyaf.token';
const PROTOCOL = 'lazyaf';

export type SessionState = 'opening' | 'open' | 'locked';

export class Session {
	state = $state<SessionState>('opening');
	/** Why the last code or token did not open the door. */
	refusal = $state<string | null>(null);
	/** True when the server asks nobody for a credential (`--auth off`). */
	authOff = $state(false);
	serverVersion = $state<string | null>(null);
	#token: string | null = null;

	/** Called once, before the router starts: afterwards the code is no longer in the address. */
	async open(): Promise<void> {
		this.#token = read();
		useCredentials({ token: () => this.#token, refused: this.refused });
		const code = new URLSearchParams(location.hash.slice(1)).get('code');
		if (code) {
			history.replaceState(history.state, '', location.pathname + location.search);
			await this.#exchange(code);
		}
		if (this.state === 'opening') this.state = 'open';
		void this.#ask();
	}

	/** A person pasted the token. The next request proves it. */
	unlock(token: string): void {
		this.#keep(token.trim());
		this.refusal = null;
		this.state = 'open';
	}

	protocols = (): string[] =>
		this.#token ? [PROTOCOL, `${PROTOCOL}.token.${this.#token}`] : [PROTOCOL];

	async #exchange(code: string): Promise<void> {
		try {
			this.#keep((await exchangeCode(code)).token);
		} catch (error) {
			if (this.#token) return; // an old link, but this browser is already known
			this.refusal =
				error instanceof ApiError ? 'This link was used before or has expired.' : sentence(error);
			this.state = 'locked';
		}
	}

	async #ask(): Promise<void> {
		try {
			const { auth, version } = await health();
			this.authOff = auth === 'off';
			this.serverVersion = version;
		} catch {
			// The first real request says it better.
		}
	}

	/** The server said no to the token this tab has. */
	refused = (): void => {
		if (this.#token) this.refusal ??= 'The server does not know this token any more.';
		this.state = 'locked';
	};

	#keep(token: string): void {
		this.#token = token;
		try {
			localStorage.setItem(KEY, token);
		} catch {
			// Storage is off: good for this tab only.
		}
	}
}

function read(): string | null {
	try {
		return localStorage.getItem(KEY);
	} catch {
		return null;
	}
}

export const session = new Session();
