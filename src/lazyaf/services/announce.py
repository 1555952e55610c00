"""Turns what a service did into events, always with the thing as it is now.

A client that keeps the newest version of each subject is right without asking again.
"""

from __future__ import annotations

from lazyaf.domain.events import SERVER, Actor, EventType, Json, NewEvent
from lazyaf.services.views import default_checks_view, job_view, repo_view, runner_view
from lazyaf.store.board import FullCard, full_card
from lazyaf.store.default_branches import DefaultBranchRow
from lazyaf.store.holds import Circumstances
from lazyaf.store.jobs import JobRow, get_job
from lazyaf.store.repos import RepoRow
from lazyaf.store.runners import RunnerRow, get_runner
from lazyaf.store.tx import Tx


def card_changed(
    tx: Tx, kind: EventType, card_id: str, actor: Actor, circumstances: Circumstances | None = None
) -> FullCard:
    """Emit a card event with its summary; returns the card. The ``circumstances`` if they are known."""
    card = full_card(tx, card_id, circumstances)
    tx.emit(NewEvent(kind, card_id, actor, card.version, {"card": Json(card.text)}, card.repo_id))
    return card


def job_changed(
    tx: Tx,
    kind: EventType,
    job_id: str,
    actor: Actor,
    job: JobRow | None = None,
    card: FullCard | None = None,
) -> tuple[JobRow, FullCard | None]:
    """Emit a job event with the job and its card, if it has one; returns both. ``job`` and ``card``: as they
    are now, if that is known."""
    job = job or get_job(tx, job_id)
    if card is None and job.card_id is not None:
        card = full_card(tx, job.card_id)
    data = {
        "job": job_view(job, runner_name=None),
        "card": Json(card.text) if card is not None else None,
    }
    tx.emit(NewEvent(kind, job.id, actor, job.version, data, job.repo_id))
    return job, card


def runner_changed(
    tx: Tx,
    kind: EventType,
    runner_id: str,
    actor: Actor,
    *,
    card: FullCard | None = None,
    runner: RunnerRow | None = None,
) -> RunnerRow:
    """Emit a runner event; returns the runner. ``runner`` as it is now and the ``card`` that it works
    on, if they are known."""
    runner = runner or get_runner(tx, runner_id)
    data = {"runner": runner_view(tx, runner, card)}
    tx.emit(NewEvent(kind, runner_id, actor, runner.row_version, data))
    return runner


def branch_checked(tx: Tx, row: DefaultBranchRow) -> None:
    """Emit how the checks of a default branch stand."""
    data = {
        "repo_id": row.repo_id,
        "branch": row.branch,
        "checks": default_checks_view(tx, row.repo_id),
    }
    tx.emit(NewEvent(EventType.BRANCH_CHECKED, row.repo_id, SERVER, 0, data, row.repo_id))


def repo_changed(tx: Tx, kind: EventType, repo: RepoRow, actor: Actor) -> None:
    """Emit a repository event."""
    tx.emit(NewEvent(kind, repo.id, actor, repo.version, {"repo": repo_view(tx, repo)}))
