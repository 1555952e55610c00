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

	/** Let the comment that is being written on this side of the file reach to the line, too; null without one. */
	extend(path: string, side: Draft['side'], line: number, diff: Diff | null): Draft | null {
		const written = this.all.findLast(
			(d) => d.editing && d.path === path && d.side === side && isOn(d, diff),
		);
		if (!written) return null;
		const start_line = Math.min(line, written.start_line ?? written.line);
		const draft = { ...written, start_line, line: Math.max(line, written.line) };
		this.all = this.all.map((other) => (other === written ? draft : other));
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

	/** One that was discarded, after all. */
	bringBack(draft: Draft): void {
		this.all = [...this.all, draft];
		this.kept();
	}

	/** They were sent. */
	forget(ids: readonly string[]): void {
		this.all = this.all.filter((draft) => !ids.includes(draft.id));
	}
}

export function asComment(draft: Draft): LineComment {
	const { path, side, start_line, line, body, base_sha, head_sha } = draft;
	return {
		path,
		...(side === 'old' ? { side } : {}),
		...(start_line && start_line < line ? { start_line } : {}),
		line,
		body: body.trim(),
		...(base_sha ? { base_sha } : {}),
		...(head_sha ? { head_sha } : {}),
	};
}

/** `line 7`, `removed lines 5–7`. */
export function linesOf({ side, start_line: start, line }: Draft): string {
	const lines = start && start < line ? `lines ${start}–${line}` : `line ${line}`;
	return side === 'old' ? `removed ${lines}` : lines;
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
