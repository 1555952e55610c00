/** Unchanged lines that a person wants to see around the changes: which, and the files they are read from. */

import { SvelteMap } from 'svelte/reactivity';
import { sentence } from '#lib/api/http.ts';
import type { FileDiff } from './types.ts';
import { linesOfText, unfolded, type Span } from './unfold.ts';

export class Context {
	/** By the id of the file's content, so that another commit's begins anew. */
	readonly #contents = new SvelteMap<string, readonly string[]>();
	readonly #spans = new SvelteMap<string, readonly Span[]>();
	/** Why a file could not be read, by its path. */
	readonly problems = new SvelteMap<string, string>();

	/** `read` gives a file's content by its id. */
	constructor(private readonly read: (id: string) => Promise<Blob>) {}

	/** How many lines the new file has; null before it was read. */
	linesIn(file: FileDiff): number | null {
		return this.#contents.get(file.new?.id ?? '')?.length ?? null;
	}

	/** Show these lines of the new file; past its end there are none. */
	async show(file: FileDiff, span: Span): Promise<void> {
		const id = file.new?.id;
		if (!id) return;
		this.problems.delete(file.path);
		try {
			if (!this.#contents.has(id)) {
				this.#contents.set(id, linesOfText(await (await this.read(id)).text()));
			}
			this.#spans.set(id, [...(this.#spans.get(id) ?? []), span]);
		} catch (error) {
			this.problems.set(file.path, sentence(error));
		}
	}

	/** The files as they are to be shown. */
	applied(files: readonly FileDiff[]): readonly FileDiff[] {
		if (this.#spans.size === 0) return files;
		return files.map((file) => {
			const id = file.new?.id ?? '';
			const [content, spans] = [this.#contents.get(id), this.#spans.get(id)];
			return content && spans ? unfolded(file, content, spans) : file;
		});
	}
}
