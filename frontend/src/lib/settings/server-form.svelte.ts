/** The server's settings while a person edits them: only what was changed is sent. */

import { ApiError, sentence } from '#lib/api/http.ts';
import type { Identity, Settings, SettingsPatch } from '#lib/api/types.ts';

export interface ServerFields {
	agent: string;
	/** As typed, by agent; empty: no limit. */
	limits: Record<string, string>;
	person: Required<Identity>;
	committer: Required<Identity>;
}
type Save = (changes: Partial<SettingsPatch>) => Promise<Settings>;

const named = (identity: Identity) => ({ name: identity.name ?? '', email: identity.email ?? '' });

export const fieldsOf = (settings: Settings): ServerFields => ({
	agent: settings.agent,
	limits: Object.fromEntries(
		Object.entries(settings.agent_limits).map(([name, limit]) => [name, String(limit)]),
	),
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
		const { agent, limits, person, committer } = $state.snapshot(this.fields);
		return {
			...(agent === this.#saved.agent ? {} : { agent }),
			...(sameLimits(limits, this.#saved.limits) ? {} : { agent_limits: numbers(limits) }),
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
		for (const [name, typed] of Object.entries(this.fields.limits)) {
			if (typed.trim() && !/^[1-9]\d{0,2}$/.test(typed.trim())) {
				errors[`agent_limits.${name}`] = 'A limit is a number from 1 to 999, or nothing.';
			}
		}
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
const numbers = (limits: Record<string, string>) =>
	Object.fromEntries(
		Object.entries(limits)
			.filter(([, typed]) => typed.trim())
			.map(([name, typed]) => [name, Number(typed)]),
	);
const sameLimits = (a: Record<string, string>, b: Record<string, string>) =>
	JSON.stringify(Object.entries(numbers(a)).sort()) ===
	JSON.stringify(Object.entries(numbers(b)).sort());
const same = (a: Identity, b: Identity) => a.name === b.name && a.email === b.email;
