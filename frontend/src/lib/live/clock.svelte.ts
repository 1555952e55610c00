/**
 * One timer for every "3:12" on the page. It ticks only while something on the screen reads it and
 * the tab is visible.
 */

import { createSubscriber } from 'svelte/reactivity';

class Clock {
	#subscribe = createSubscriber((update) => {
		const tick = () => {
			if (document.visibilityState === 'visible') update();
		};
		const timer = setInterval(tick, 1000);
		document.addEventListener('visibilitychange', tick);
		return () => {
			clearInterval(timer);
			document.removeEventListener('visibilitychange', tick);
		};
	});

	/** Milliseconds since the epoch; reading it in an effect or a template subscribes to the ticks. */
	get now(): number {
		this.#subscribe();
		return Date.now();
	}
}

export const clock = new Clock();
