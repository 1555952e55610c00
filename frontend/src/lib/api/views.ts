/** Saved views: filters of a board that have a name. */

import { get, post, request } from './http.ts';
import type { Page, SavedView } from './types.ts';

export const listViews = async () => (await get<Page<SavedView>>('/api/views')).items;
/** `repo` null: for the board of all repositories. */
export const saveView = (name: string, query: string, repo: string | null) =>
	post<SavedView>('/api/views', { name, query, repo });
export const updateView = (id: string, fields: Partial<Pick<SavedView, 'name' | 'query'>>) =>
	request<SavedView>('PATCH', `/api/views/${id}`, { body: fields });
export const deleteView = (id: string) => request<undefined>('DELETE', `/api/views/${id}`);
