"""Whether the heads of two cards merge with each other: what was found out, by the two commits.

``rules`` names the attributes that counted. Commits never change, so a row is true for ever; it goes when
one of its commits is no card's head any more.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import and_, bindparam, delete, insert, or_, select

from lazyaf.store.tables import head_pairs
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class HeadPair:
    """Two heads, in the order of their ids, and the files in which they conflict."""

    repo_id: str
    one_sha: str
    other_sha: str
    rules: str
    clean: bool
    files: list[str]


_t = head_pairs.c


def list_pairs(tx: Tx, repo_id: str) -> list[HeadPair]:
    """What is known of a repository's heads."""
    query = select(head_pairs).where(_t.repo_id == repo_id)
    return [HeadPair(**row._mapping) for row in tx.execute(query)]


def pairs_in_conflict(tx: Tx, repo_id: str, head_sha: str) -> list[HeadPair]:
    """The pairs of one head that do not merge."""
    query = select(head_pairs).where(
        _t.repo_id == repo_id,
        or_(_t.one_sha == head_sha, _t.other_sha == head_sha),
        _t.clean.is_(False),
    )
    return [HeadPair(**row._mapping) for row in tx.execute(query)]


def put_pairs(tx: Tx, pairs: Sequence[HeadPair]) -> None:
    """Add pairs, or replace what was known of them."""
    remove_pairs(tx, pairs)
    if pairs:
        tx.execute(insert(head_pairs), [asdict(pair) for pair in pairs])


_REMOVE = delete(head_pairs).where(
    and_(
        _t.repo_id == bindparam("of_repo"),
        _t.one_sha == bindparam("one"),
        _t.other_sha == bindparam("other"),
    )
)


def remove_pairs(tx: Tx, pairs: Collection[HeadPair]) -> None:
    """Forget these pairs."""
    if pairs:
        tx.execute(
            _REMOVE,
            [{"of_repo": p.repo_id, "one": p.one_sha, "other": p.other_sha} for p in pairs],
        )
