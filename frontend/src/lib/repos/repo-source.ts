/** What a repository holds, and the way out of it. */

import { get, post, request } from '#lib/api/http.ts';
import type { Page, Repo } from '#lib/api/types.ts';
import type { Commit, Landed } from './types.ts';

const path = (repoId: string) => `/api/repos/${repoId}`;

/** Newest first, children before their parents. Without a ref: of every branch. */
export const listCommits = (repoId: string, ref: string | null, cursor: string | null) =>
	get<Page<Commit>>(`${path(repoId)}/commits`, { ref, cursor, limit: 200 });

export const cloneUrl = (repoId: string) =>
	get<{ url: string; command: string }>(`${path(repoId)}/clone-url`);

/** What a remote is told to let the server in. */
export interface Login {
	username?: string;
	password?: string;
}

/** The repository at an HTTP URL; it is fetched from now on. */
export const importRepo = (wanted: { url: string; name?: string } & Login) =>
	post<Repo>('/api/repos/import', wanted);

/** Bring it up to date from its remote. */
export const fetchRepo = (repoId: string, login: Login) =>
	post<Repo>(`${path(repoId)}/fetch`, login);

export const forgetCredentials = (repoId: string) =>
	request<undefined>('DELETE', `${path(repoId)}/credentials`);

export const landBranch = (repoId: string, branch: string, remoteUrl: string | null) =>
	post<Landed>(`${path(repoId)}/land`, {
		branch,
		...(remoteUrl === null ? {} : { remote_url: remoteUrl }),
	});
