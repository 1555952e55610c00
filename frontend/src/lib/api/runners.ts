/** Runners, their pools, and how to add one. */

import { get, post, request } from './http.ts';
import type { NewToken, PoolPatch, RunnerCommand, RunnerList } from './types.ts';

export const listRunners = () => get<RunnerList>('/api/runners');
export const scalePool = (pool: string, count: number) =>
	post<unknown>('/api/runners/scale', { pool, count });

/** What is null is the server's own setting again. */
export const patchPool = (pool: string, changes: PoolPatch) =>
	request<unknown>('PATCH', `/api/runners/pools/${pool}`, { body: changes });

/** With placeholders: never a secret. */
export const runnerCommand = () => get<RunnerCommand>('/api/runners/command');
/** The token is in this answer only; the server keeps its hash. */
export const createRunnerToken = (name: string) => post<NewToken>('/api/runners/tokens', { name });
