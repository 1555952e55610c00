/** Image and limits of a pool's containers while a person edits them. What is left empty is the server's
 * own setting. */

import { ApiError, sentence } from '#lib/api/http.ts';
import { patchPool } from '#lib/api/runners.ts';
import type { Containers, Pool, PoolPatch } from '#lib/api/types.ts';
import { runners } from '#lib/live/runners.svelte.ts';

export type ContainerField = keyof Containers;
type Fields = Record<ContainerField, string>;

const NAMES: readonly ContainerField[] = ['image', 'memory_mb', 'cpus', 'pids', 'disk_mb'];

/** As typed: empty where the default counts. */
export const fieldsOf = (made: Containers, defaults: Containers): Fields =>
	Object.fromEntries(
		NAMES.map((name) => [name, made[name] === defaults[name] ? '' : String(made[name])]),
	) as Fields;

export class PoolContainers {
	fields = $state<Fields>({} as Fields);
	errors = $state.raw<Readonly<Record<string, string>>>({});
	failure = $state<string | null>(null);
	busy = $state(false);
	readonly #saved: Fields;

	readonly change: PoolPatch = $derived.by(() => {
		const changed = NAMES.filter((name) => this.fields[name].trim() !== this.#saved[name]);
		return Object.fromEntries(changed.map((name) => [name, this.#value(name)]));
	});
	readonly dirty: boolean = $derived(Object.keys(this.change).length > 0);

	constructor(
		private readonly pool: string,
		made: Containers,
		defaults: Containers,
		private readonly send: typeof patchPool = patchPool,
		private readonly reload: () => Promise<void> = () => runners.load(),
	) {
		this.#saved = fieldsOf(made, defaults);
		this.fields = { ...this.#saved };
	}

	/** Whether it is saved. */
	async save(): Promise<boolean> {
		this.failure = null;
		this.errors = this.#check();
		if (this.busy || Object.keys(this.errors).length > 0) return false;
		this.busy = true;
		try {
			if (this.dirty) await this.send(this.pool, this.change);
			await this.reload();
			return true;
		} catch (error) {
			this.errors = (error instanceof ApiError && error.problem.fields) || {};
			if (!NAMES.some((name) => name in this.errors)) this.failure = sentence(error);
			return false;
		} finally {
			this.busy = false;
		}
	}

	#value(name: ContainerField): string | number | null {
		const typed = this.fields[name].trim();
		if (!typed) return null;
		return name === 'image' ? typed : Number(typed);
	}

	#check(): Record<string, string> {
		const wrong = NAMES.filter((name) => Number.isNaN(name === 'image' ? 0 : this.#value(name)));
		return Object.fromEntries(wrong.map((name) => [name, 'Say a number.']));
	}
}

/** What a container may use, in one line. */
export function summary(made: Pool['containers']): string {
	if (!made) return '';
	const memory = made.memory_mb.toLocaleString('en');
	return `${made.image} · ${memory} MB · ${made.cpus} ${made.cpus === 1 ? 'processor' : 'processors'}`;
}
