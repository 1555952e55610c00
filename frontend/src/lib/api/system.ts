/** The server itself: whether it is there, who may enter, what it can run. */

import { get, post, request } from './http.ts';
import type {
	Agent,
	AgentTrial,
	DiskUse,
	Health,
	NewToken,
	Page,
	Settings,
	SettingsPatch,
	Token,
} from './types.ts';

export const health = () => get<Health>('/api/health');
/** Trade the one-time code of a link for the token. */
export const exchangeCode = (code: string) =>
	post<{ token: string }>('/api/auth/exchange', { code });
/** A session for the password. */
export const login = (password: string) => post<{ token: string }>('/api/auth/login', { password });
/** End the session that asks. */
export const logout = () => request<undefined>('POST', '/api/auth/logout');
/** Ends every session, this one as well. `current` is needed when there is a password. */
export const changePassword = (password: string, current: string | null) =>
	request<undefined>('PUT', '/api/auth/password', { body: { password, current } });
export const listAgents = () => get<Page<Agent>>('/api/agents');
/** Ask its model for one word. */
export const testAgent = (name: string) =>
	post<AgentTrial>(`/api/agents/${encodeURIComponent(name)}/test`);
export const getSettings = () => get<Settings>('/api/settings');
export const updateSettings = (fields: Partial<SettingsPatch>) =>
	request<Settings>('PATCH', '/api/settings', { body: fields });

export const diskUse = () => get<DiskUse>('/api/disk');

/** Every job that waits or runs; the answer says how many. */
export const cancelAllJobs = () => post<{ cancelled: number }>('/api/jobs/cancel-all', {});

export const listTokens = () => get<Page<Token>>('/api/tokens');
/** The token is in this answer only; the server keeps its hash. */
export const createToken = (name: string) => post<NewToken>('/api/tokens', { name });
export const revokeToken = (id: string) => request<undefined>('DELETE', `/api/tokens/${id}`);
