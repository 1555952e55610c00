/**
 * The board a person last had open: most likely the one they come for. A repository is kept
 * whole, so that the board can be drawn and its cards asked for before the list of repositories is
 * here; the list corrects it.
 */

import type { Repo } from '#lib/api/types.ts';

const KEY = 'lazyaf.repo';
const ALL_KEY = 'lazyaf.board';

export function lastRepo(): Repo | null {
	try {
		const repo = JSON.parse(localStorage.getItem(KEY) ?? 'null') as Repo | null;
		return repo?.id && repo.settings ? repo : null;
	} catch {
		return null; // storage is off or holds something else
	}
}

export function rememberRepo(repo: Repo): void {
	try {
		localStorage.setItem(KEY, JSON.stringify(repo));
		localStorage.removeItem(ALL_KEY);
	} catch {
		// Storage is off: the list of repositories it is.
	}
}

/** The board of all repositories is the one that was last open. */
export function rememberAll(): void {
	try {
		localStorage.setItem(ALL_KEY, 'all');
	} catch {
		// Storage is off: the last repository, or the list of them.
	}
}

export function lastWasAll(): boolean {
	try {
		return localStorage.getItem(ALL_KEY) === 'all';
	} catch {
		return false;
	}
}
