/** The board a person last had open is the one they most likely come for. */

const KEY = 'lazyaf.repo';

export function lastRepo(): string | null {
	try {
		return localStorage.getItem(KEY);
	} catch {
		return null;
	}
}

export function rememberRepo(name: string): void {
	try {
		localStorage.setItem(KEY, name);
	} catch {
		// Storage is off: the list of repositories it is.
	}
}
