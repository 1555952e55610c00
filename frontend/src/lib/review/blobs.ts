/** Contents of files by their ids, of which the last few are kept: an id never means something else. */

const KEPT = 40;

export class Blobs {
	readonly #known = new Map<string, Promise<Blob>>();

	constructor(private readonly read: (id: string) => Promise<Blob>) {}

	get(id: string): Promise<Blob> {
		const known = this.#known.get(id) ?? this.read(id);
		this.#known.delete(id);
		this.#known.set(id, known);
		known.catch(() => this.#known.delete(id)); // it may be there the next time
		const [oldest] = this.#known.keys();
		if (this.#known.size > KEPT && oldest) this.#known.delete(oldest);
		return known;
	}
}
