/**
 * Colours the lines that are looked at. A unit is one side of one hunk; asking for a line of it
 * orders the whole unit once, and the answer comes when the worker has it. Without a worker, or for
 * a language that it does not know, lines stay as they are.
 */

import { SvelteMap } from 'svelte/reactivity';
import { languageOf, loadLanguage, type Language } from './languages.ts';
import type { WorkerAnswer, WorkerOrder } from './tokens.ts';

/** Beyond this a unit is generated code that nobody reads by its colours. */
const MAX_LINES = 20_000;

export class Highlighter {
	readonly #units = new SvelteMap<string, readonly (readonly number[])[]>();
	readonly #ordered = new Set<string>();
	readonly #languages = new Map<Language, Promise<boolean>>();
	#worker: Worker | null = null;

	/** The colours of line `index` of `unit`, or null while there are none. */
	line(unit: string, index: number): readonly number[] | null {
		return this.#units.get(unit)?.[index] ?? null;
	}

	/** Order a unit's colours, unless that was done. */
	order(unit: string, path: string, lines: () => string[]): void {
		if (this.#ordered.has(unit)) return;
		this.#ordered.add(unit);
		const language = languageOf(path);
		if (!language || typeof Worker === 'undefined') return;
		void this.#send(unit, language, lines());
	}

	dispose(): void {
		this.#worker?.terminate();
		this.#worker = null;
	}

	async #send(unit: string, language: Language, lines: string[]): Promise<void> {
		if (lines.length > MAX_LINES) return;
		this.#worker ??= this.#start();
		const known = this.#languages.get(language) ?? this.#teach(language);
		this.#languages.set(language, known);
		if (await known) this.#post({ kind: 'lines', unit, language, lines });
	}

	async #teach(language: Language): Promise<boolean> {
		try {
			this.#post({ kind: 'language', grammars: await loadLanguage(language) });
			return true;
		} catch {
			return false; // plain text is readable too
		}
	}

	#post(order: WorkerOrder): void {
		this.#worker?.postMessage(order);
	}

	#start(): Worker {
		const worker = new Worker(new URL('./highlight.worker.ts', import.meta.url), {
			type: 'module',
		});
		worker.addEventListener('message', (event: MessageEvent<WorkerAnswer>) => {
			const { unit, start, lines } = event.data;
			const known = this.#units.get(unit) ?? [];
			this.#units.set(unit, [...known.slice(0, start), ...lines]);
		});
		return worker;
	}
}
