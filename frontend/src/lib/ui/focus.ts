/** Where the keyboard begins in something that was just opened. */

/**
 * For bits-ui's `onOpenAutoFocus`: the field marked with data-autofocus, else the surface itself;
 * never the first button, which a space typed too early would press.
 */
export function focusOnOpen(event: Event, surface: HTMLElement | null): void {
	event.preventDefault();
	(surface?.querySelector<HTMLElement>('[data-autofocus]') ?? surface)?.focus();
}

/** An attachment: the keyboard begins here as soon as it is shown. */
export const focused = (element: HTMLElement): void => element.focus();
