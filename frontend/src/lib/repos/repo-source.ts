/** What a repository holds, and the way out of it. */

import { get, post, request } from '#lib/api/http.ts';
import type { Page, Repo } from '#lib/api/types.ts';
import type { Commit, Landed, LandPreview, TokenTried } from './types.ts';

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

/** Make a key for a remote over ssh, and pin its host's. */
export const makeDeployKey = (repoId: string) => post<Repo>(`${path(repoId)}/deploy-key`);

/** Pin the key that the remote's host shows now. */
export const pinHost = (repoId: string) => post<Repo>(`${path(repoId)}/host-key`);

export const forgetCredentials = (repoId: string) =>
	request<undefined>('DELETE', `${path(repoId)}/credentials`);

/** Keep a token for the forge that the remote is on, in place of the one before. */
export const keepForgeToken = (repoId: string, token: string) =>
	request<Repo>('PUT', `${path(repoId)}/forge-token`, { body: { token } });

export const forgetForgeToken = (repoId: string) =>
	request<undefined>('DELETE', `${path(repoId)}/forge-token`);

/** Ask the forge what the token sees. */
export const tryForgeToken = (repoId: string) =>
	post<TokenTried>(`${path(repoId)}/forge-token/test`);

/** Which branch is to go where; to the repository's own remote when none is named. */
export interface LandTarget {
	branch: string;
	remote_url?: string;
}

const seen = ({ sha, remote_sha }: LandPreview) => ({ seen: { sha, remote_sha } });

/** What landing would push, compared with the remote as it is now. */
export const previewLand = (repoId: string, target: LandTarget) =>
	post<LandPreview>(`${path(repoId)}/land/preview`, target);

/** Bring the remote's commits, as they were shown, into the branch here; the new preview. */
export const mergeRemote = (repoId: string, target: LandTarget, shown: LandPreview) =>
	post<LandPreview>(`${path(repoId)}/land/merge`, { ...target, ...seen(shown) });

/** Push what was shown, or nothing. */
export const landBranch = (repoId: string, target: LandTarget, shown: LandPreview) =>
	post<Landed>(`${path(repoId)}/land`, { ...target, ...seen(shown) });
