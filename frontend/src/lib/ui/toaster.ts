/** The toaster itself, behind a dynamic import: see toast.svelte.ts. */

import { mount } from 'svelte';
import { Toaster, toast as sonner } from 'svelte-sonner';
import type { ToastOptions } from './toast.svelte.ts';

mount(Toaster, {
	target: document.body,
	props: {
		position: 'bottom-left',
		theme: 'system',
		gap: 8,
		duration: 5000,
		toastOptions: { class: 'lazyaf-toast' },
	},
});

export function show(text: string, { detail, tone = 'plain', action }: ToastOptions): void {
	const say = tone === 'bad' ? sonner.error : tone === 'ok' ? sonner.success : sonner;
	say(text, {
		description: detail,
		duration: tone === 'bad' ? 9000 : undefined,
		action: action && { label: action.label, onClick: action.run },
	});
}
