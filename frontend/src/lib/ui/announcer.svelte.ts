/** What a screen reader should say about something that happened outside the focus. */

export const announcement = $state({ text: '' });

export function announce(text: string): void {
	// The same sentence twice is still two events.
	announcement.text = announcement.text === text ? `${text} ` : text;
}
