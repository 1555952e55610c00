"""Runs of a repository's checks, each for one pair of commits or for the tip of its default branch: rows
and queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Text, bindparam, cast, insert, literal_column, select

from lazyaf.domain.checks import OPEN, Check, CheckResult, ChecksState, Stacked
from lazyaf.domain.jobs import JobKind
from lazyaf.store.cards import CardRow
from lazyaf.store.change import change
from lazyaf.store.jobs import JobRow
from lazyaf.store.tables import check_runs, jobs
from lazyaf.store.tx import Tx

_DECIDED: Final = frozenset({ChecksState.PASSED.value, ChecksState.FAILED.value})


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
    stack: list[Stacked] | None = None


_GET = select(check_runs).where(check_runs.c.job_id == bindparam("job_id"))
_OF_CARD = (
    select(check_runs)
    .where(check_runs.c.card_id == bindparam("card_id"), check_runs.c.stack.is_(None))
    .order_by(check_runs.c.job_id.desc())
)
_STACKED = (
    select(check_runs)
    .where(check_runs.c.repo_id == bindparam("repo_id"), check_runs.c.stack.is_not(None))
    .order_by(check_runs.c.job_id.desc())
)
_STACKED_SINCE = _STACKED.where(check_runs.c.job_id > bindparam("since"))
# As text: an id is nothing else there, and the two databases know no other way in common.
_STACKED_WITH = _STACKED.where(cast(check_runs.c.stack, Text).contains(bindparam("card_id")))
_OF_TREE = (
    select(check_runs)
    .where(
        check_runs.c.repo_id == bindparam("repo_id"), check_runs.c.tree_sha == bindparam("tree_sha")
    )
    .order_by(check_runs.c.job_id.desc())
)
_OF_BRANCH = (
    select(check_runs)
    .where(check_runs.c.repo_id == bindparam("repo_id"), check_runs.c.card_id.is_(None))
    .order_by(check_runs.c.job_id.desc())
)
_PASSED_OF_TREE = _OF_TREE.where(check_runs.c.state == ChecksState.PASSED.value)
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
    """The runs that were about this card alone, the newest first."""
    rows = tx.execute(_OF_CARD.limit(limit), {"card_id": card_id})
    return [CheckRunRow(**row._mapping) for row in rows]


def stacked_runs_with(tx: Tx, card: CardRow, limit: int) -> list[CheckRunRow]:
    """The runs that tried this card together with others, the newest first."""
    rows = tx.execute(_STACKED_WITH.limit(limit), {"repo_id": card.repo_id, "card_id": card.id})
    return [CheckRunRow(**row._mapping) for row in rows]


def stacked_runs_since(tx: Tx, repo_id: str, approval: str) -> list[CheckRunRow]:
    """The runs of a repository that tried cards together and are younger than this approval, the newest
    first."""
    rows = tx.execute(_STACKED_SINCE, {"repo_id": repo_id, "since": approval})
    return [CheckRunRow(**row._mapping) for row in rows]


def _failed_last(runs: Iterable[CheckRunRow], checks: Sequence[Check]) -> bool:
    """Whether these very checks have failed in the last of these runs, the newest first, that came to a
    result."""
    decided = (run.state for run in runs if run.state in _DECIDED and run.checks == list(checks))
    return next(decided, None) == ChecksState.FAILED.value


def has_tree_failed(tx: Tx, repo_id: str, tree_sha: str, checks: Sequence[Check]) -> bool:
    """Whether these very checks have failed on this tree, whatever it was made of."""
    rows = tx.execute(_OF_TREE, {"repo_id": repo_id, "tree_sha": tree_sha})
    return _failed_last((CheckRunRow(**row._mapping) for row in rows), checks)


def has_head_failed(tx: Tx, card_id: str, head_sha: str, checks: Sequence[Check]) -> bool:
    """Whether these very checks have failed on this card alone, at this head and on whatever base."""
    runs = (run for run in runs_of_card(tx, card_id) if run.head_sha == head_sha)
    return _failed_last(runs, checks)


def run_for(
    tx: Tx, card_id: str, pair: tuple[str, str], tree_sha: str, checks: Sequence[Check]
) -> CheckRunRow | None:
    """The newest run of these very checks for (base, head) alone and the tree that merging them makes."""
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
    for row in tx.execute(_PASSED_OF_TREE, {"repo_id": repo_id, "tree_sha": tree_sha}):
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
