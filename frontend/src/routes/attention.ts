/** What calls the person when a card wants them, put together for every page. */

import { goto } from '$app/navigation';
import { Attention } from '#lib/live/attention.svelte.ts';
import { notify } from '#lib/live/desktop.ts';
import { repos } from '#lib/live/repos.svelte.ts';

export const attention = new Attention({
	isHidden: () => document.visibilityState === 'hidden',
	show({ card, why }) {
		const name = repos.find(card.repo_id)?.name;
		if (!name) return;
		const open = () => void goto(`/r/${name}/c/${card.number}`);
		notify(`${name} #${card.number} ${why}`, card.title, `lazyaf-${card.id}`, open);
	},
});

/** `title` with how many cards want somebody in front of it; without any, bare. */
export function countedTitle(title: string, count: number): string {
	const bare = title.replace(/^\(\d+\) /, '');
	return count > 0 ? `(${count}) ${bare}` : bare;
}
