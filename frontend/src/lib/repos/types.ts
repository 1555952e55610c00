/** Branches and commits in the server's words. */

import type { components } from '#lib/api/schema.gen.ts';

export type { Branch } from '#lib/api/types.ts';

type Schemas = components['schemas'];

export type Commit = Schemas['Commit'];
/** `pushed` is false when the remote had it already. */
export type Landed = Schemas['Landed'];
/** What the forge's token sees. */
export type TokenTried = Schemas['TokenTried'];
/** What landing would push, and whether the remote has moved on. */
export type LandPreview = Schemas['LandPreview'];
