"""The runs of checks, of a card or of a default branch, as a client sees them."""

from __future__ import annotations

from typing import Any

from lazyaf.services.repositories import find_repo
from lazyaf.store.cards import get_card
from lazyaf.store.check_runs import CheckRunRow, runs_of_branch, runs_of_card
from lazyaf.store.jobs import get_job
from lazyaf.store.tx import Tx

LIMIT = 50
"""Runs that are shown, of the newest."""


def checks_of_card(tx: Tx, card_id: str) -> list[dict[str, Any]]:
    """A card's runs, the newest first. Raises `NotFound`."""
    get_card(tx, card_id)
    return [_run_view(tx, run) for run in runs_of_card(tx, card_id, limit=LIMIT)]


def checks_of_branch(tx: Tx, repo_key: str) -> list[dict[str, Any]]:
    """The runs of the default branch itself of a repository (id or name), the newest first."""
    repo = find_repo(tx, repo_key)
    return [_run_view(tx, run) for run in runs_of_branch(tx, repo.id, limit=LIMIT)]


def _run_view(tx: Tx, run: CheckRunRow) -> dict[str, Any]:
    job = get_job(tx, run.job_id)
    return {
        "job_id": run.job_id,
        "card_id": run.card_id,
        "base_sha": run.base_sha,
        "head_sha": run.head_sha,
        "state": run.state,
        "checks": run.checks,
        "results": run.results,
        "error": job.error,
        "logs": f"/api/jobs/{job.id}/logs",
        "created_at": job.created_at,
        "started_at": job.started_at,
        "completed_at": job.completed_at,
    }
