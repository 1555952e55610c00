/** What a repository holds, and the way out of it. */

import { get, post } from '#lib/api/http.ts';
import type { Page } from '#lib/api/types.ts';
import type { Branch, Commit, Landed } from './types.ts';

const path = (repoId: string) => `/api/repos/${repoId}`;

/** Every branch, page by page. */
export async function listBranches(repoId: string): Promise<Branch[]> {
	const branches: Branch[] = [];
	let cursor: string | null = null;
	do {
		const page: Page<Branch> = await get(`${path(repoId)}/branches`, { limit: 500, cursor });
		branches.push(...page.items);
		cursor = page.next_cursor;
	} while (cursor);
	return branches;
}

/** Newest first, children before their parents. Without a ref: of every branch. */
export const listCommits = (repoId: string, ref: string | null, cursor: string | null) =>
	get<Page<Commit>>(`${path(repoId)}/commits`, { ref, cursor, limit: 200 });

export const cloneUrl = (repoId: string) =>
	get<{ url: string; command: string }>(`${path(repoId)}/clone-url`);

export const landBranch = (repoId: string, branch: string, remoteUrl: string | null) =>
	post<Landed>(`${path(repoId)}/land`, {
		branch,
		...(remoteUrl === null ? {} : { remote_url: remoteUrl }),
	});
