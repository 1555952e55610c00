/**
 * Dragging a card with a finger. Held for a moment it is lifted: let go it offers where it can move, moved it
 * is dragged, and at the edge of the page the next column comes into view. Anything quicker scrolls or opens,
 * as everywhere.
 *
 * By touch events, not the browser's own drag and drop: on a phone that begins in some browsers only, shows
 * one column and cannot turn to the next.
 */

import type { Attachment } from 'svelte/attachments';
import type { Board } from './board.svelte.ts';
import { COLUMNS } from './columns.ts';
import { dropOn, targetAt, type Target } from './drop.svelte.ts';

/** Shorter than the press after which browsers bring up menus of their own. */
const HOLD_MS = 350;
/** A finger that is held still moves by so many pixels. */
const SLOP = 10;
/** So near the edge of the page, the next column is wanted; so near that of a column, its next cards. */
const EDGE = 40;
const TURN_MS = 600;
const SCROLL_STEP = 10;

let touching = false;

/** Is a finger on a card? */
export const isTouching = (): boolean => touching;

export function touchSource(
	board: Board,
	id: string,
	hold: (element: HTMLElement) => void,
): Attachment<HTMLElement> {
	return (element) => {
		let drag: TouchDrag | null = null;
		const end = (event: TouchEvent | null) => {
			touching = false;
			if (!drag) return;
			// What was lifted is not also opened.
			if (drag.isLifted && event?.cancelable) event.preventDefault();
			if (event?.type === 'touchend') drag.drop();
			else drag.leave();
			drag = null;
		};
		const begin = (event: TouchEvent) => {
			end(null);
			const [finger] = event.touches;
			if (!finger || event.touches.length > 1) return;
			touching = true;
			drag = new TouchDrag(board, id, element, hold, finger);
		};
		const move = (event: TouchEvent) => {
			const [finger] = event.touches;
			if (!drag || !finger) return;
			if (!drag.follow(finger.clientX, finger.clientY)) return end(null);
			if (drag.isLifted && event.cancelable) event.preventDefault();
		};
		/** The browser's menu of a held link. */
		const menu = (event: Event) => {
			if (touching) event.preventDefault();
		};
		element.addEventListener('touchstart', begin, { passive: true });
		element.addEventListener('touchmove', move, { passive: false });
		element.addEventListener('touchend', end);
		element.addEventListener('touchcancel', end);
		element.addEventListener('contextmenu', menu);
		return () => {
			end(null);
			element.removeEventListener('touchstart', begin);
			element.removeEventListener('touchmove', move);
			element.removeEventListener('touchend', end);
			element.removeEventListener('touchcancel', end);
			element.removeEventListener('contextmenu', menu);
		};
	};
}

class TouchDrag {
	isLifted = false;
	#ghost: HTMLElement | null = null;
	#target: Target | null = null;
	#turning: ReturnType<typeof setTimeout> | undefined;
	#scrolling: number | undefined;
	#x: number;
	#y: number;
	readonly #from: { x: number; y: number };
	readonly #lifting: ReturnType<typeof setTimeout>;

	constructor(
		private readonly board: Board,
		private readonly id: string,
		private readonly element: HTMLElement,
		private readonly hold: (element: HTMLElement) => void,
		finger: Touch,
	) {
		[this.#x, this.#y] = [finger.clientX, finger.clientY];
		this.#from = { x: this.#x, y: this.#y };
		this.#lifting = setTimeout(() => this.#lift(), HOLD_MS);
	}

	/** The finger is here now. False when it was no hold after all. */
	follow(x: number, y: number): boolean {
		[this.#x, this.#y] = [x, y];
		const isStill = Math.hypot(x - this.#from.x, y - this.#from.y) <= SLOP;
		if (!this.isLifted) return isStill;
		if (!this.#ghost) {
			if (isStill) return true;
			this.#begin();
		}
		this.#draw();
		this.#point();
		this.#turn();
		return true;
	}

	/** Let go: where it hangs, or with nothing moved, for the menu. */
	drop(): void {
		const [target, moved] = [this.#target, this.#ghost !== null];
		const { isLifted } = this;
		this.leave();
		if (moved && target) dropOn(this.board, this.id, target);
		else if (isLifted && !moved) this.hold(this.element);
	}

	/** As if nothing had been. */
	leave(): void {
		clearTimeout(this.#lifting);
		clearTimeout(this.#turning);
		if (this.#scrolling !== undefined) cancelAnimationFrame(this.#scrolling);
		if (this.#target) this.#target.hover.over = false;
		this.#ghost?.remove();
		delete this.element.dataset.lifted;
		if (this.board.draggedId === this.id) this.board.draggedId = null;
	}

	#lift(): void {
		this.isLifted = true;
		this.element.dataset.lifted = '';
		navigator.vibrate?.(10);
	}

	#begin(): void {
		const { width, left, top } = this.element.getBoundingClientRect();
		const ghost = this.element.cloneNode(true) as HTMLElement;
		ghost.removeAttribute('data-card');
		ghost.setAttribute('aria-hidden', 'true');
		ghost.inert = true;
		Object.assign(ghost.style, {
			position: 'fixed',
			zIndex: '60',
			left: `${left}px`,
			top: `${top}px`,
			width: `${width}px`,
			pointerEvents: 'none',
		});
		this.element.ownerDocument.body.append(ghost);
		this.#ghost = ghost;
		this.board.draggedId = this.id;
		this.#scroll();
	}

	#draw(): void {
		const [x, y] = [this.#x - this.#from.x, this.#y - this.#from.y];
		if (this.#ghost) this.#ghost.style.translate = `${x}px ${y}px`;
	}

	/** What is below the finger hears of it. */
	#point(): void {
		const target = targetAt(this.#x, this.#y);
		if (this.#target && this.#target !== target) this.#target.hover.over = false;
		if (target) target.hover.over = true;
		this.#target = target;
	}

	/** To the column beyond the edge, and on as long as the finger stays there. */
	#turn(): void {
		const step = this.#x < EDGE ? -1 : this.#x > innerWidth - EDGE ? 1 : 0;
		if (step === 0) {
			clearTimeout(this.#turning);
			this.#turning = undefined;
			return;
		}
		this.#turning ??= setTimeout(() => {
			this.#turning = undefined;
			const at = COLUMNS.findIndex(({ status }) => status === this.board.inView);
			const next = COLUMNS[at + step];
			if (next) this.board.inView = next.status;
			requestAnimationFrame(() => this.#point());
			this.#turn();
		}, TURN_MS);
	}

	/** The column's cards come along near its upper and lower edge. */
	#scroll(): void {
		const list = document
			.elementFromPoint(this.#x, this.#y)
			?.closest<HTMLElement>('[data-status] ul');
		if (list) {
			const { top, bottom } = list.getBoundingClientRect();
			const before = list.scrollTop;
			if (this.#y < top + EDGE) list.scrollTop -= SCROLL_STEP;
			else if (this.#y > bottom - EDGE) list.scrollTop += SCROLL_STEP;
			if (list.scrollTop !== before) this.#point();
		}
		this.#scrolling = requestAnimationFrame(() => this.#scroll());
	}
}
