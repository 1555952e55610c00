/** The server's settings while a person edits them: only what was changed is sent. */

import { ApiError, sentence } from '#lib/api/http.ts';
import type { Identity, Settings, SettingsPatch } from '#lib/api/types.ts';

export interface ServerFields {
	agent: string;
	person: Required<Identity>;
	committer: Required<Identity>;
}
type Save = (changes: Partial<SettingsPatch>) => Promise<Settings>;

const named = (identity: Identity) => ({ name: identity.name ?? '', email: identity.email ?? '' });

export const fieldsOf = (settings: Settings): ServerFields => ({
	agent: settings.agent,
	person: named(settings.person),
	committer: named(settings.committer),
});

export class ServerForm {
	fields = $state<ServerFields>({} as ServerFields);
	errors = $state.raw<Readonly<Record<string, string>>>({});
	failure = $state<string | null>(null);
	busy = $state(false);
	#saved = $state.raw<ServerFields>({} as ServerFields);

	readonly change: Partial<SettingsPatch> = $derived.by(() => {
		const { agent, person, committer } = $state.snapshot(this.fields);
		return {
			...(agent === this.#saved.agent ? {} : { agent }),
			...(same(person, this.#saved.person) ? {} : { person: trimmed(person) }),
			...(same(committer, this.#saved.committer) ? {} : { committer: trimmed(committer) }),
		};
	});
	readonly dirty: boolean = $derived(Object.keys(this.change).length > 0);

	constructor(
		settings: Settings,
		private readonly send: Save,
	) {
		this.#take(settings);
	}

	reset(): void {
		this.fields = structuredClone(this.#saved);
		this.errors = {};
		this.failure = null;
	}

	async save(): Promise<boolean> {
		this.errors = this.#check();
		this.failure = null;
		if (this.busy || Object.keys(this.errors).length > 0) return false;
		this.busy = true;
		try {
			this.#take(await this.send(this.change));
			return true;
		} catch (error) {
			this.errors = (error instanceof ApiError && error.problem.fields) || {};
			if (Object.keys(this.errors).length === 0) this.failure = sentence(error);
			return false;
		} finally {
			this.busy = false;
		}
	}

	/** Git wants both or neither; an address without an @ is a slip of the fingers. */
	#check(): Record<string, string> {
		const errors: Record<string, string> = {};
		for (const who of ['person', 'committer'] as const) {
			const { name, email } = trimmed(this.fields[who]);
			if (email && !/^[^\s@<>]+@[^\s@<>]+$/.test(email)) {
				errors[`${who}.email`] = 'An address looks like ada@example.com.';
			} else if (name && !email) errors[`${who}.email`] = 'A name needs an address beside it.';
			else if (email && !name) errors[`${who}.name`] = 'An address needs a name beside it.';
		}
		return errors;
	}

	#take(settings: Settings): void {
		this.#saved = fieldsOf(settings);
		this.fields = structuredClone(this.#saved);
	}
}

const trimmed = ({ name, email }: Required<Identity>) => ({
	name: name.trim(),
	email: email.trim(),
});
const same = (a: Identity, b: Identity) => a.name === b.name && a.email === b.email;
