/**
 * Keeps a scrolling list at its end until a person scrolls up, and takes the end up again when they
 * come back to it. Knows no list: the component tells it what happened and asks where to be.
 */

const NEAR_PX = 48;
/** A scroll this soon after a wheel, touch or key is the person's, not ours. */
const HAND_MS = 400;

export class Tail {
	following = $state(true);
	/** Rows that came while the person was reading further up. */
	unseen = $state(0);
	#rows = 0;
	#offset = 0;
	#touched = -Infinity;

	/** A person touched the wheel, the scrollbar, the screen or a key. */
	touched(now: number): void {
		this.#touched = now;
	}

	/** `isEnd`: nothing is missing after the list's last row, so its end is one to follow. */
	scrolled(offset: number, viewport: number, size: number, now: number, isEnd = true): void {
		const up = offset < this.#offset - 1;
		this.#offset = offset;
		if (offset + viewport >= size - NEAR_PX) {
			if (isEnd && (!up || now - this.#touched > HAND_MS)) this.#follow();
		} else if (up && now - this.#touched <= HAND_MS) {
			this.following = false;
		}
	}

	/** The list has `total` rows now; `atEnd`, unless the difference was put in front. */
	grew(total: number, atEnd: boolean): void {
		if (atEnd && !this.following && total > this.#rows) this.unseen += total - this.#rows;
		this.#rows = total;
	}

	/** The person goes somewhere in the list, by a search for example. */
	leave(): void {
		this.following = false;
	}

	jump(): void {
		this.#follow();
	}

	#follow(): void {
		this.following = true;
		this.unseen = 0;
	}
}
