/** What approving can make of a card's commits, in the words of the settings and of the menu. */

import type { MergeMethod } from '#lib/api/types.ts';

export const MERGE_METHODS: readonly {
	method: MergeMethod;
	/** What comes of it. */
	made: string;
	/** The command. */
	verb: string;
	detail: string;
}[] = [
	{
		method: 'merge',
		made: 'A merge commit',
		verb: 'Merge with a merge commit',
		detail: 'Every commit stays as it is',
	},
	{
		method: 'squash',
		made: 'One commit: squash',
		verb: 'Squash and merge',
		detail: 'One commit with all of it',
	},
	{
		method: 'rebase',
		made: 'Each commit, rebased',
		verb: 'Rebase and merge',
		detail: 'Each commit anew, on top of the base',
	},
];
