/** Branches and commits as the server tells them. Hand-written until the OpenAPI schema names them. */

import type { CardStatus } from '#lib/api/types.ts';

export interface Branch {
	name: string;
	sha: string;
	/** Commits that the default branch does not have, and that this one does not have. */
	ahead: number;
	behind: number;
	subject: string;
	author: string;
	committed_at: string;
	is_default: boolean;
	is_merged: boolean;
	card: { id: string; number: number; title: string; status: CardStatus } | null;
}

export interface Commit {
	sha: string;
	parents: string[];
	subject: string;
	author_name: string;
	author_email: string;
	committed_at: string;
	refs: string[];
}

export interface Landed {
	branch: string;
	sha: string;
	remote_url: string;
	/** False when the remote had it already. */
	pushed: boolean;
}
