/** Which labels several cards shall have; what was not touched stays on each as it is. */

import type { CardSummary } from '#lib/api/types.ts';

export class LabelChoice {
	/** What was decided: on every card, or on none. */
	#wanted = $state<Record<string, boolean>>({});
	readonly #known: readonly string[];

	/** `known`: what other cards have, to choose from. */
	constructor(
		private readonly cards: readonly CardSummary[],
		known: readonly string[],
	) {
		const own = cards.flatMap((card) => card.labels);
		this.#known = [...new Set([...own, ...known])].sort((a, b) => a.localeCompare(b));
	}

	get labels(): readonly string[] {
		const written = Object.keys(this.#wanted).filter((label) => !this.#known.includes(label));
		return [...written, ...this.#known];
	}

	isOn(label: string): boolean | 'some' {
		const wanted = this.#wanted[label];
		if (wanted !== undefined) return wanted;
		const count = this.cards.filter((card) => card.labels.includes(label)).length;
		return count === this.cards.length ? true : count > 0 && 'some';
	}

	toggle(label: string): void {
		this.#wanted[label] = this.isOn(label) !== true;
	}

	/** Written by hand; a comma ends one. */
	add(text: string): void {
		for (const label of text.split(',')) if (label.trim()) this.#wanted[label.trim()] = true;
	}

	get added(): string[] {
		return Object.keys(this.#wanted).filter((label) => this.#wanted[label]);
	}

	get removed(): string[] {
		return Object.keys(this.#wanted).filter((label) => !this.#wanted[label]);
	}
}
