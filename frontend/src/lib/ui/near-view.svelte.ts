/**
 * Which items of a long, scrolling list have come near enough to be drawn. What was drawn once stays:
 * the browser skips it by itself (content-visibility), and the scroll position never jumps.
 */

import { SvelteSet } from 'svelte/reactivity';
import type { Attachment } from 'svelte/attachments';

/** How far ahead of the scroll an item is drawn. */
const AHEAD = '900px 0px';

export class NearView {
	#near = new SvelteSet<string>();
	#watched = new Map<Element, string>();
	#observer: IntersectionObserver | undefined;

	has(id: string): boolean {
		return this.#near.has(id);
	}

	/** For the element that scrolls. */
	readonly root: Attachment<HTMLElement> = (root) => {
		const observer = new IntersectionObserver((entries) => this.#met(entries), {
			root,
			rootMargin: AHEAD,
		});
		this.#observer = observer;
		for (const element of this.#watched.keys()) observer.observe(element);
		return () => observer.disconnect();
	};

	/** For each item, as long as it is not drawn. */
	watch(id: string): Attachment<HTMLElement> {
		return (element) => {
			if (this.#near.has(id)) return;
			this.#watched.set(element, id);
			this.#observer?.observe(element);
			return () => this.#forget(element);
		};
	}

	#met(entries: IntersectionObserverEntry[]): void {
		for (const { isIntersecting, target } of entries) {
			const id = this.#watched.get(target);
			if (!isIntersecting || id === undefined) continue;
			this.#forget(target);
			this.#near.add(id);
		}
	}

	#forget(element: Element): void {
		this.#watched.delete(element);
		this.#observer?.unobserve(element);
	}
}
