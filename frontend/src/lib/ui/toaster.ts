/** The toaster itself, behind a dynamic import: see toast.svelte.ts. */

import { mount } from 'svelte';
import { Toaster, toast as sonner } from 'svelte-sonner';
import type { ToastOptions } from './toast.svelte.ts';

/** More than these say less than the newest alone. */
const MOST = 3;

mount(Toaster, {
	target: document.body,
	props: {
		position: 'bottom-left',
		theme: 'system',
		gap: 8,
		duration: 5000,
		visibleToasts: MOST,
		toastOptions: { class: 'lazyaf-toast' },
	},
});

export function show(text: string, { detail, tone = 'plain', action }: ToastOptions): void {
	const say = tone === 'bad' ? sonner.error : tone === 'ok' ? sonner.success : sonner;
	say(text, {
		// The same words again are the same toast; one that can be taken back is about its own cards.
		...(action ? {} : { id: [text, detail].join() }),
		description: detail,
		duration: tone === 'bad' ? 9000 : undefined,
		action: action && { label: action.label, onClick: action.run },
	});
	// Newest first.
	for (const { id } of sonner.getActiveToasts().slice(MOST)) sonner.dismiss(id);
}
