"""Where the lines that comments are about stand now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from lazyaf.domain.comments import Side
from lazyaf.git import refs
from lazyaf.git.interdiff import merge_base
from lazyaf.git.track import Place, track
from lazyaf.services.card_ends import Ends
from lazyaf.services.context import Context


class Commented(Protocol):
    """Lines between two commits; see `lazyaf.store.comments.CommentRow`."""

    @property
    def path(self) -> str: ...
    @property
    def side(self) -> str: ...
    @property
    def start_line(self) -> int | None: ...
    @property
    def line(self) -> int | None: ...
    @property
    def base_sha(self) -> str: ...
    @property
    def head_sha(self) -> str: ...


async def places_now(
    ctx: Context, repo_id: str, ends: Ends, commented: Sequence[Commented]
) -> list[Place | None]:
    """The place of each in the card's present changes, on its own side; None for what was changed since, or
    for a removed line that has come back. git is asked once for each pair of commits, and what it said is
    remembered."""
    if ends.head_sha is None or not commented:
        return [None] * len(commented)
    base_sha = await merge_base(ctx.git, repo_id, ends.base_sha, ends.head_sha) or ends.base_sha
    by_side: dict[str, list[Commented]] = defaultdict(list)
    for each in commented:
        by_side[each.side].append(each)
    found = await _tracked(ctx, repo_id, by_side[Side.NEW.value], ends.head_sha, Side.NEW)
    removed = await _tracked(ctx, repo_id, by_side[Side.OLD.value], base_sha, Side.OLD)
    back = await track(
        ctx.git, repo_id, base_sha, ends.head_sha, {p for p in removed.values() if p and p.start}
    )
    found |= {key: p for key, p in removed.items() if p is None or back.get(p) is None}
    return [found.get(_key(each)) for each in commented]


_Key = tuple[str, str, Place]
"""Side, commit and place."""


async def _tracked(
    ctx: Context, repo_id: str, commented: Sequence[Commented], now: str, side: Side
) -> dict[_Key, Place | None]:
    by_commit: dict[str, set[Place]] = defaultdict(set)
    for each in commented:
        _, commit, place = _key(each)
        by_commit[commit].add(place)
    found: dict[_Key, Place | None] = {}
    for commit, places in by_commit.items():
        if await refs.resolve(ctx.git, repo_id, commit) is None:
            continue  # nobody can tell any more
        tracked = await track(ctx.git, repo_id, commit, now, places)
        found |= {(side.value, commit, old): new for old, new in tracked.items()}
    return found


def _key(commented: Commented) -> _Key:
    start = commented.line if commented.start_line is None else commented.start_line
    commit = commented.base_sha if commented.side == Side.OLD.value else commented.head_sha
    return commented.side, commit, Place(commented.path, start, commented.line)
