/**
 * Who this tab is: the token in origin-scoped storage (rules.md R3), how it came here, and whether
 * the server accepts it. It comes from the password, or from a link of `lazyaf open`, which carries a
 * one-time code in the fragment.
 */

import { ApiError, sentence, useCredentials } from '#lib/api/http.ts';
import { exchangeCode, health, login, logout } from '#lib/api/system.ts';
import { toast } from '#lib/ui/toast.svelte.ts';

const KEY = 'lazyaf.token';
const PROTOCOL = 'lazyaf';

export type SessionState = 'opening' | 'open' | 'locked';

export class Session {
	state = $state<SessionState>('opening');
	/** Why the last code or token did not open the door. */
	refusal = $state<string | null>(null);
	/** True when the server asks nobody for a credential (`--auth off`). */
	authOff = $state(false);
	/** Whether one can sign in with a password; null until the server has said. */
	hasPassword = $state<boolean | null>(null);
	serverVersion = $state<string | null>(null);
	#token: string | null = null;
	#exchanging = 0;

	/** Called once, before the router starts: afterwards the code is no longer in the address. */
	async open(): Promise<void> {
		this.#token = read();
		useCredentials({ token: () => this.#token, refused: this.refused });
		await this.#takeCode();
		if (this.state === 'opening') this.state = 'open';
		addEventListener('storage', this.#elsewhere);
		// A link that is pasted into this very tab changes its fragment and loads nothing.
		addEventListener('hashchange', () => void this.#takeCode());
		void this.#ask();
	}

	/** Raises what the server raised: a wrong password, or too many of them. */
	async signIn(password: string): Promise<void> {
		this.unlock((await login(password)).token);
	}

	/** End this browser's session, if the server hears of it, and begin anew, with nothing of the board left in memory. */
	async signOut(): Promise<void> {
		try {
			await logout();
		} catch (error) {
			if (!(error instanceof ApiError)) {
				void toast('You are still signed in.', { detail: sentence(error), tone: 'bad' });
				return;
			}
		}
		try {
			localStorage.removeItem(KEY);
		} catch {
			// Storage is off: there is nothing in it.
		}
		location.assign('/');
	}

	/** Another tab of this browser signed in. */
	#elsewhere = ({ key, newValue }: StorageEvent) => {
		if (key === KEY && newValue && this.state === 'locked') this.unlock(newValue);
	};

	/** A person pasted the token. The next request proves it. */
	unlock(token: string): void {
		this.#keep(token.trim());
		this.refusal = null;
		this.state = 'open';
	}

	protocols = (): string[] =>
		this.#token ? [PROTOCOL, `${PROTOCOL}.token.${this.#token}`] : [PROTOCOL];

	async #takeCode(): Promise<void> {
		const code = new URLSearchParams(location.hash.slice(1)).get('code');
		if (!code) return;
		if (document.documentElement.hasAttribute('data-reloading')) {
			return new Promise(() => undefined); // the code is for the page that comes
		}
		history.replaceState(history.state, '', location.pathname + location.search);
		// What loads the page again by itself (reload.js) waits for it.
		this.#exchanges(+1);
		try {
			this.unlock((await exchangeCode(code)).token);
		} catch (error) {
			if (this.#token) return; // an old link, but this browser is already known
			this.refusal =
				error instanceof ApiError ? 'This link was used before or has expired.' : sentence(error);
			this.state = 'locked';
		} finally {
			this.#exchanges(-1);
		}
	}

	#exchanges(more: number): void {
		this.#exchanging += more;
		document.documentElement.toggleAttribute('data-signing-in', this.#exchanging > 0);
	}

	async #ask(): Promise<void> {
		try {
			const { auth, has_password, version } = await health();
			this.authOff = auth === 'off';
			this.hasPassword = has_password;
			this.serverVersion = version;
		} catch {
			this.hasPassword ??= false; // the first real request says it better
		}
	}

	/** The server said no to the token this tab has. */
	refused = (): void => {
		if (this.#token) this.refusal ??= 'This browser’s session is over, or its token was revoked.';
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
