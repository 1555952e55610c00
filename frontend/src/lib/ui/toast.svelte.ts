/**
 * A passing word about something that happened: said by a screen reader too, and loaded only when
 * there is something to say.
 */

import { announce } from './announcer.svelte.ts';

export interface ToastOptions {
	detail?: string;
	tone?: 'plain' | 'ok' | 'bad';
	action?: { label: string; run: () => void };
}

export async function toast(text: string, options: ToastOptions = {}): Promise<void> {
	announce(options.detail ? `${text} ${options.detail}` : text);
	const { show } = await import('./toaster.ts');
	show(text, options);
}
