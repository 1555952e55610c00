/** Runners, their pools, and how to add one. */

import { get, post } from './http.ts';
import type { Pool, Runner } from './types.ts';

export const listRunners = () => get<{ items: Runner[]; pools: Pool[] }>('/api/runners');
export const scalePool = (pool: string, count: number) =>
	post<unknown>('/api/runners/scale', { pool, count });

/** Commands with placeholders: they never contain a secret. */
export interface RunnerCommand {
	docker: string;
	plain: string;
	needs: string | string[];
}
export const runnerCommand = () => get<RunnerCommand>('/api/runners/command');
/** The token is in this answer only; the server keeps its hash. */
export const createRunnerToken = (name: string) =>
	post<{ id: string; name: string; token: string }>('/api/runners/tokens', { name });
