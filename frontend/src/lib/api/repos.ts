/** Repositories. */

import { get, post, request, send } from './http.ts';
import type {
	Branch,
	CardTemplate,
	CheckRun,
	DemoMade,
	Page,
	Repo,
	RepoSettingsPatch,
} from './types.ts';

export const listRepos = () => get<Page<Repo>>('/api/repos', { limit: 1000 });
export const getRepo = (id: string) => get<Repo>(`/api/repos/${id}`);
export const createRepo = (fields: {
	name: string;
	remote_url?: string;
	default_branch?: string;
}) => post<Repo>('/api/repos', fields);
export const updateRepo = (
	id: string,
	fields: Partial<Pick<Repo, 'name' | 'remote_url' | 'default_branch'>> & {
		settings?: RepoSettingsPatch;
	},
) => request<Repo>('PATCH', `/api/repos/${id}`, { body: fields });
export const deleteRepo = (id: string) => request<undefined>('DELETE', `/api/repos/${id}`);
export const createDemo = () => post<DemoMade>('/api/demo');

/** Those at the tip of its default branch. */
export const listTemplates = async (id: string) =>
	(await get<Page<CardTemplate>>(`/api/repos/${id}/templates`)).items;

/** The last runs of the checks on the default branch itself, the newest first. */
export const listBranchChecks = async (id: string) =>
	(await get<Page<CheckRun>>(`/api/repos/${id}/checks`)).items;
export const runBranchChecks = (id: string) => post<Repo>(`/api/repos/${id}/checks`);

/** Every branch, page by page. */
export async function listBranches(repoId: string): Promise<Branch[]> {
	const branches: Branch[] = [];
	let cursor: string | null = null;
	do {
		const page: Page<Branch> = await get(`/api/repos/${repoId}/branches`, { limit: 500, cursor });
		branches.push(...page.items);
		cursor = page.next_cursor;
	} while (cursor);
	return branches;
}

/** A file's bytes by the id that a side of a diff names. */
export const fetchBlob = async (repoId: string, id: string): Promise<Blob> =>
	(await send('GET', `/api/repos/${repoId}/blobs/${id}`, { accept: '*/*' })).blob();
