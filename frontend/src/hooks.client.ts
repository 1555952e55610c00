import { session } from '#lib/live/session.svelte.ts';

/** Before the router looks at the address: a one-time code must not stay in it. */
export const init = () => session.open();
