/** The way out of the page to the person's desktop. */

/** `unknown`: they were not asked yet. `none`: this browser has no such thing. */
export type Permission = 'granted' | 'denied' | 'unknown' | 'none';

export function permission(): Permission {
	if (typeof Notification === 'undefined') return 'none';
	return Notification.permission === 'default' ? 'unknown' : Notification.permission;
}

/** The browser asks; only what a person just clicked may lead here. */
export async function askPermission(): Promise<Permission> {
	if (permission() === 'unknown') await Notification.requestPermission();
	return permission();
}

/** One of the same `tag` takes the place of the one before, also of another tab's. */
export function notify(title: string, body: string, tag: string, onclick: () => void): void {
	if (permission() !== 'granted') return;
	try {
		const shown = new Notification(title, { body, tag, icon: '/favicon.svg' });
		shown.onclick = () => {
			window.focus();
			shown.close();
			onclick();
		};
	} catch {
		// Android's Chromium knows them of service workers alone: the count in the title it is.
	}
}
