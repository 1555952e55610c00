/**
 * Whether a person wants agents to work although a runner has no isolation. Each browser asks once,
 * before it starts the first one; the server never refuses.
 */

import { runners } from './runners.svelte.ts';

const KEY = 'lazyaf.unsandboxed';

export class Consent {
	/** The question is open. */
	asking = $state(false);
	#isGiven = stored();
	#settle: (yes: boolean) => void = () => undefined;

	constructor(private readonly isNeeded: () => boolean) {}

	get isMissing(): boolean {
		return this.isNeeded() && !this.#isGiven;
	}

	/** True when nothing has to be asked, or the person agrees. */
	obtain(): Promise<boolean> {
		if (!this.isMissing) return Promise.resolve(true);
		this.#settle(false); // what was asked about before is given up
		this.asking = true;
		return new Promise((resolve) => (this.#settle = resolve));
	}

	/** The person's word. A no counts for this once. */
	answer(yes: boolean): void {
		if (!this.asking) return;
		this.asking = false;
		if (yes) this.#remember();
		this.#settle(yes);
	}

	#remember(): void {
		this.#isGiven = true;
		try {
			localStorage.setItem(KEY, 'yes');
		} catch {
			// Storage is off: good for this tab only.
		}
	}
}

function stored(): boolean {
	try {
		return localStorage.getItem(KEY) === 'yes';
	} catch {
		return false;
	}
}

export const consent = new Consent(() => runners.unsandboxed);
