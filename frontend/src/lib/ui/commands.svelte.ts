/**
 * Everything that a key can do, in one registry: the dispatcher, the palette and the list of keys
 * all read it, so that none of them can lie about the others.
 *
 * Layers lie on top of each other, the last registered first. A layer may stand in front of the
 * ones below (`barrier`): a sheet hides the page's keys, a dialog hides all of them.
 */

import { untrack } from 'svelte';

export interface Command {
	id: string;
	title: string;
	/** The heading under which it stands. */
	group: string;
	/** Each entry is one way to press it: `c`, `?`, `Shift+A`, `Mod+k`, `Alt+ArrowUp`. */
	keys?: string[];
	/** More words to find it by. */
	hint?: string;
	/** Only a key, not worth a line in the palette. */
	hidden?: boolean;
	enabled?: () => boolean;
	run: () => void;
}

/** `page`: only global layers below still answer. `all`: nothing below answers. */
export type Barrier = 'none' | 'page' | 'all';

interface Layer {
	commands: () => Command[];
	global: boolean;
	barrier: Barrier;
}

/** Further lines for the palette that have no key, found by what was typed. */
export type Source = (query: string) => Command[];

export class Commands {
	#layers = $state.raw<readonly Layer[]>([]);
	#sources = $state.raw<readonly Source[]>([]);

	/** Returns the way to take the layer away, so that it can be an effect's clean-up. */
	register(
		commands: Command[] | (() => Command[]),
		{ global = false, barrier = 'none' }: { global?: boolean; barrier?: Barrier } = {},
	): () => void {
		const list = typeof commands === 'function' ? commands : () => commands;
		const layer: Layer = { commands: list, global, barrier };
		this.#layers = [...untrack(() => this.#layers), layer];
		return () => {
			this.#layers = untrack(() => this.#layers).filter((other) => other !== layer);
		};
	}

	addSource(source: Source): () => void {
		this.#sources = [...untrack(() => this.#sources), source];
		return () => {
			this.#sources = untrack(() => this.#sources).filter((other) => other !== source);
		};
	}

	/** What answers now, nearest layer first. */
	get reachable(): Command[] {
		const found: Command[] = [];
		let barrier: Barrier = 'none';
		for (const layer of [...this.#layers].reverse()) {
			if (barrier === 'none' || (barrier === 'page' && layer.global)) {
				found.push(...layer.commands());
			}
			if (layer.barrier === 'all') break;
			if (layer.barrier === 'page') barrier = 'page';
		}
		return found.filter((command) => command.enabled?.() ?? true);
	}

	search(query: string): Command[] {
		return this.#sources.flatMap((source) => source(query));
	}

	/** The command for a pressed key; plain keys mean text while a person is typing. */
	match(event: KeyboardEvent): Command | undefined {
		const pressed = chord(event);
		const typing = isTyping(event.target);
		if (typing && !(event.ctrlKey || event.metaKey || event.key === 'Escape')) return undefined;
		return this.reachable.find((command) => command.keys?.includes(pressed));
	}

	/** For `<svelte:window onkeydown>`. */
	dispatch = (event: KeyboardEvent): void => {
		if (event.defaultPrevented || event.isComposing) return;
		const command = this.match(event);
		if (!command) return;
		event.preventDefault();
		command.run();
	};
}

/** A pressed key in the form in which commands name it. */
export function chord(event: KeyboardEvent): string {
	const parts: string[] = [];
	if (event.ctrlKey || event.metaKey) parts.push('Mod');
	if (event.altKey) parts.push('Alt');
	// A shifted sign is that sign already ("?"); only letters and named keys keep their Shift.
	const named = event.key.length > 1 || /[a-z]/i.test(event.key);
	if (event.shiftKey && named) parts.push('Shift');
	const letter = event.key.length === 1 && /[a-z]/i.test(event.key);
	parts.push(
		letter ? (event.shiftKey ? event.key.toUpperCase() : event.key.toLowerCase()) : event.key,
	);
	return parts.join('+');
}

function isTyping(target: EventTarget | null): boolean {
	const element = target as HTMLElement | null;
	if (!element?.matches) return false;
	return (
		element.isContentEditable || element.matches('input:not([type=checkbox]), textarea, select')
	);
}

const isMac = typeof navigator !== 'undefined' && /mac|iphone|ipad/i.test(navigator.userAgent);
const SIGNS: Record<string, string> = {
	Mod: isMac ? '⌘' : 'Ctrl',
	Alt: isMac ? '⌥' : 'Alt',
	Shift: '⇧',
	ArrowUp: '↑',
	ArrowDown: '↓',
	ArrowLeft: '←',
	ArrowRight: '→',
	Enter: '⏎',
	Escape: 'Esc',
};

/** `Mod+k` as its key caps: `['Ctrl', 'K']`. */
export function caps(keys: string): string[] {
	return keys.split('+').map((key) => SIGNS[key] ?? (key.length === 1 ? key.toUpperCase() : key));
}

export const commands = new Commands();
