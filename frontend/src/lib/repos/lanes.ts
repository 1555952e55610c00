/**
 * Lays a history out in lanes, as a graph beside its list. Commits come newest first, children
 * before their parents; rows can be added as pages come in. Pure.
 */

import type { Commit } from './types.ts';

/** A piece of line in one row; lanes count from 0 at the left. */
export interface Edge {
	from: number;
	to: number;
	colour: number;
}

export interface GraphRow {
	commit: Commit;
	lane: number;
	colour: number;
	/** From the row's top edge to the commit. */
	arriving: Edge[];
	/** From the commit to the row's bottom edge, where its parents are waited for. */
	leaving: Edge[];
	/** From top to bottom, past the commit. */
	passing: Edge[];
	/** Lanes that the row needs. */
	width: number;
}

/** A lane waits for a commit that a child has named as its parent. */
interface Lane {
	sha: string;
	colour: number;
}

export class Lanes {
	#lanes: (Lane | null)[] = [];
	#colours = 0;

	add(commit: Commit): GraphRow {
		const before = this.#lanes.slice();
		const waiting = before.flatMap((lane, index) => (lane?.sha === commit.sha ? [index] : []));
		const lane = waiting[0] ?? this.#free();
		const colour = before[waiting[0] ?? -1]?.colour ?? this.#colours++;
		const arriving = waiting.map((from) => ({
			from,
			to: lane,
			colour: before[from]?.colour ?? colour,
		}));
		for (const index of waiting) this.#lanes[index] = null;

		const leaving = commit.parents.map((parent, index) => {
			const to = this.#waitFor(parent, index === 0 ? { lane, colour } : null);
			return { from: lane, to, colour: index === 0 ? colour : (this.#lanes[to]?.colour ?? colour) };
		});
		const passing = before.flatMap((other, index) =>
			other && other.sha !== commit.sha ? [{ from: index, to: index, colour: other.colour }] : [],
		);
		while (this.#lanes.length > 0 && this.#lanes.at(-1) === null) this.#lanes.pop();
		const width = Math.max(before.length, this.#lanes.length, lane + 1);
		return { commit, lane, colour, arriving, leaving, passing, width };
	}

	/**
	 * The lane in which a parent is waited for. A first parent keeps its child's lane, so that a line
	 * of work runs straight and meets the others at their common commit; a further parent takes the
	 * lane that waits for it already, or a new one.
	 */
	#waitFor(parent: string, first: { lane: number; colour: number } | null): number {
		const known = first ? -1 : this.#lanes.findIndex((lane) => lane?.sha === parent);
		if (known >= 0) return known;
		const at = first?.lane ?? this.#free();
		this.#lanes[at] = { sha: parent, colour: first?.colour ?? this.#colours++ };
		return at;
	}

	#free(): number {
		const gap = this.#lanes.indexOf(null);
		return gap >= 0 ? gap : this.#lanes.length;
	}
}
