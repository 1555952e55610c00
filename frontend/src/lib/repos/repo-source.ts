/** What a repository holds, and the way out of it. */

import { get, post } from '#lib/api/http.ts';
import type { Page } from '#lib/api/types.ts';
import type { Commit, Landed } from './types.ts';

const path = (repoId: string) => `/api/repos/${repoId}`;

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
