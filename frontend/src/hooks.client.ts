import { readAhead } from '#lib/live/ahead.ts';
import { repos } from '#lib/live/repos.svelte.ts';
import { session } from '#lib/live/session.svelte.ts';

/** Before the router looks at the address: a one-time code must not stay in it. */
export async function init(): Promise<void> {
	await session.open();
	// Every page needs them, and this is a few round trips earlier than the first page.
	if (session.state !== 'open') return;
	readAhead(location.pathname);
	void repos.load();
}
