/** Comments that a person is writing and has not sent. */

import type { LineComment } from '#lib/api/cards.ts';
import type { Diff, Draft } from './types.ts';

export class Drafts {
	all = $state.raw<readonly Draft[]>([]);
	#ids = 0;

	/** `kept` is called whenever something is to be remembered. */
	constructor(private readonly kept: () => void) {}

	/** What would be sent with the review. */
	readonly written: LineComment[] = $derived(
		this.all.filter((draft) => draft.body.trim() !== '').map(asComment),
	);

	restore(drafts: readonly Draft[]): void {
		this.all = drafts;
		this.#ids = drafts.length;
	}

	/** Begin a comment on a line of this diff, or go on with the one that is there already. */
	begin(path: string, side: Draft['side'], line: number, diff: Diff | null): Draft {
		const known = this.all.find(
			(d) => d.path === path && d.side === side && d.line === line && isOn(d, diff),
		);
		if (known) {
			this.change(known.id, { editing: true });
			return known;
		}
		const id = `${Date.now().toString(36)}-${++this.#ids}`;
		const between = diff ? { head_sha: diff.head_sha, ...base(diff) } : {};
		const draft: Draft = { id, path, side, line, body: '', editing: true, ...between };
		this.all = [...this.all, draft];
		this.kept();
		return draft;
	}

	change(id: string, change: Partial<Pick<Draft, 'body' | 'editing'>>): void {
		this.all = this.all.map((draft) => (draft.id === id ? { ...draft, ...change } : draft));
		this.kept();
	}

	discard(id: string): void {
		this.forget([id]);
		this.kept();
	}

	/** They were sent. */
	forget(ids: readonly string[]): void {
		this.all = this.all.filter((draft) => !ids.includes(draft.id));
	}
}

export function asComment({ path, side, line, body, base_sha, head_sha }: Draft): LineComment {
	return {
		path,
		...(side === 'old' ? { side } : {}),
		line,
		body: body.trim(),
		...(base_sha ? { base_sha } : {}),
		...(head_sha ? { head_sha } : {}),
	};
}

/** The lines before are those of a commit, so that one can comment on what was removed. */
export const hasOldLines = (diff: Diff): boolean =>
	diff.carried !== 'merged' && diff.carried !== 'conflicted';

const base = (diff: Diff) => (hasOldLines(diff) ? { base_sha: diff.base_sha } : {});

/** Its line is counted as in this diff. */
export function isOn(draft: Draft, diff: Diff | null): boolean {
	if (!diff || !draft.head_sha) return true; // one of before the commits were kept
	return draft.side === 'old'
		? draft.base_sha === diff.base_sha && hasOldLines(diff)
		: draft.head_sha === diff.head_sha;
}
