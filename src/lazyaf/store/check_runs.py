"""Runs of a repository's checks, each for one pair of commits or for the tip of its default branch: rows
and queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import bindparam, insert, literal_column, select

from lazyaf.domain.checks import OPEN, Check, CheckResult, ChecksState
from lazyaf.domain.jobs import JobKind
from lazyaf.store.change import change
from lazyaf.store.jobs import JobRow
from lazyaf.store.tables import check_runs, jobs
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class CheckRunRow:
    """A run as stored: ``merged_sha`` is the commit that it runs on, which merges ``head_sha`` into
    ``base_sha`` and has this tree. ``checks`` are the repository's as they were when it was queued. A run of the
    default branch's own tip has no card, and all three are that commit."""

    job_id: str
    card_id: str | None
    repo_id: str
    base_sha: str
    head_sha: str
    merged_sha: str
    tree_sha: str
    checks: list[Check]
    results: list[CheckResult]
    state: str


_GET = select(check_runs).where(check_runs.c.job_id == bindparam("job_id"))
_OF_CARD = (
    select(check_runs)
    .where(check_runs.c.card_id == bindparam("card_id"))
    .order_by(check_runs.c.job_id.desc())
)
_OF_BRANCH = (
    select(check_runs)
    .where(check_runs.c.repo_id == bindparam("repo_id"), check_runs.c.card_id.is_(None))
    .order_by(check_runs.c.job_id.desc())
)
_OF_TREE = (
    select(check_runs)
    .where(
        check_runs.c.repo_id == bindparam("repo_id"),
        check_runs.c.tree_sha == bindparam("tree_sha"),
        check_runs.c.state == ChecksState.PASSED.value,
    )
    .order_by(check_runs.c.job_id.desc())
)
_OPEN_RUNS = select(check_runs).where(
    check_runs.c.repo_id == bindparam("repo_id"), check_runs.c.state.in_(sorted(OPEN))
)
_OPEN_JOB = select(jobs).where(
    jobs.c.card_id == bindparam("card_id"),
    jobs.c.kind == literal_column(f"'{JobKind.CHECK}'"),
    jobs.c.status.in_((literal_column("'queued'"), literal_column("'running'"))),
)


def insert_run(tx: Tx, run: CheckRunRow) -> None:
    """Add a run; its job is there."""
    values = {name: getattr(run, name) for name in CheckRunRow.__slots__}
    tx.execute(insert(check_runs), values)


def update_run(tx: Tx, run: CheckRunRow, values: dict[str, Any]) -> CheckRunRow:
    """Change columns; the run as it is now."""
    change(tx, check_runs, {"job_id": run.job_id}, values)
    return replace(run, **values)


def find_run(tx: Tx, job_id: str) -> CheckRunRow | None:
    """The run of this job, if it is one."""
    row = tx.execute(_GET, {"job_id": job_id}).one_or_none()
    return CheckRunRow(**row._mapping) if row is not None else None


def runs_of_card(tx: Tx, card_id: str, limit: int | None = None) -> list[CheckRunRow]:
    """A card's runs, the newest first."""
    rows = tx.execute(_OF_CARD.limit(limit), {"card_id": card_id})
    return [CheckRunRow(**row._mapping) for row in rows]


def run_for(
    tx: Tx, card_id: str, pair: tuple[str, str], tree_sha: str, checks: Sequence[Check]
) -> CheckRunRow | None:
    """The newest run of these very checks for (base, head) and the tree that merging them makes."""
    for run in runs_of_card(tx, card_id):
        seen = ((run.base_sha, run.head_sha), run.tree_sha, run.checks)
        if seen == (pair, tree_sha, list(checks)):
            return run
    return None


def runs_of_branch(tx: Tx, repo_id: str, limit: int | None = None) -> list[CheckRunRow]:
    """The runs of a repository's default branch itself, the newest first."""
    rows = tx.execute(_OF_BRANCH.limit(limit), {"repo_id": repo_id})
    return [CheckRunRow(**row._mapping) for row in rows]


def passed_run(tx: Tx, repo_id: str, tree_sha: str, checks: Sequence[Check]) -> CheckRunRow | None:
    """The newest run, of a card or of the default branch, in which these very checks passed on this tree."""
    for row in tx.execute(_OF_TREE, {"repo_id": repo_id, "tree_sha": tree_sha}):
        run = CheckRunRow(**row._mapping)
        if run.checks == list(checks):
            return run
    return None


def open_runs(tx: Tx, repo_id: str) -> list[CheckRunRow]:
    """The runs of a repository that are not over."""
    rows = tx.execute(_OPEN_RUNS, {"repo_id": repo_id})
    return [CheckRunRow(**row._mapping) for row in rows]


def repos_with_runs(tx: Tx) -> list[str]:
    """The repositories in which checks have ever run."""
    return list(tx.execute(select(check_runs.c.repo_id).distinct()).scalars())


def open_check_job(tx: Tx, card_id: str) -> JobRow | None:
    """The card's job of checks that waits or runs, if there is one."""
    row = tx.execute(_OPEN_JOB, {"card_id": card_id}).one_or_none()
    return JobRow(**row._mapping) if row is not None else None
