/** Branches and commits in the server's words. */

import type { components } from '#lib/api/schema.gen.ts';

type Schemas = components['schemas'];

/** `ahead`: commits that the default branch does not have; `behind`: those that this one lacks. */
export type Branch = Schemas['Branch'];
export type Commit = Schemas['Commit'];
/** `pushed` is false when the remote had it already. */
export type Landed = Schemas['Landed'];
