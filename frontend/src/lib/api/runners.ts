/** Runners, their pools, and how to add one. */

import { get, post } from './http.ts';
import type { NewToken, RunnerCommand, RunnerList } from './types.ts';

export const listRunners = () => get<RunnerList>('/api/runners');
export const scalePool = (pool: string, count: number) =>
	post<unknown>('/api/runners/scale', { pool, count });

/** With placeholders: never a secret. */
export const runnerCommand = () => get<RunnerCommand>('/api/runners/command');
/** The token is in this answer only; the server keeps its hash. */
export const createRunnerToken = (name: string) => post<NewToken>('/api/runners/tokens', { name });
