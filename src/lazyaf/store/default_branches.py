"""How the default branch of each repository with checks stands: rows and queries."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import bindparam, delete, select

from lazyaf.store.tables import default_branches
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class DefaultBranchRow:
    """A default branch at its tip ``sha``; ``checks`` is the summary of the run that tells of that commit.

    From ``red_since`` on, when ``red_sha`` failed, it is red until a run passes. ``card_id`` is the card that
    was opened for it and ``card_text`` what the server wrote there; ``heard_job_id`` is the last run whose
    result was acted on, and ``green_sha`` the last commit that is known to have passed.
    """

    repo_id: str
    branch: str
    sha: str
    checks: dict[str, Any] | None = None
    green_sha: str | None = None
    heard_job_id: str | None = None
    red_since: str | None = None
    red_sha: str | None = None
    card_id: str | None = None
    card_text: str | None = None


_GET = select(default_branches).where(default_branches.c.repo_id == bindparam("repo_id"))


def find_default_branch(tx: Tx, repo_id: str) -> DefaultBranchRow | None:
    """What is known of it; None where nothing was ever checked."""
    row = tx.execute(_GET, {"repo_id": repo_id}).one_or_none()
    return DefaultBranchRow(**row._mapping) if row is not None else None


def put_default_branch(tx: Tx, row: DefaultBranchRow) -> None:
    """Keep it, instead of what was known."""
    statement = tx.insert_on_conflict(default_branches).values(**asdict(row))
    changed = {name: value for name, value in asdict(row).items() if name != "repo_id"}
    tx.execute(statement.on_conflict_do_update(index_elements=["repo_id"], set_=changed))


def forget_default_branch(tx: Tx, repo_id: str) -> None:
    """The repository has no checks any more."""
    tx.execute(delete(default_branches).where(default_branches.c.repo_id == repo_id))
