/** The server itself: whether it is there, who may enter, what it can run. */

import { get, post, request } from './http.ts';
import type { Agent, Health, Page } from './types.ts';

export const health = () => get<Health>('/api/health');
/** Trade the one-time code of a link for the token. */
export const exchangeCode = (code: string) =>
	post<{ token: string }>('/api/auth/exchange', { code });
export const listAgents = () => get<Page<Agent>>('/api/agents');
export const getSettings = () => get<Record<string, unknown>>('/api/settings');
export const updateSettings = (fields: Record<string, unknown>) =>
	request<Record<string, unknown>>('PATCH', '/api/settings', { body: fields });
