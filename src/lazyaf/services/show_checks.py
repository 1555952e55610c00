"""The runs of checks, of a card or of a default branch, as a client sees them."""

from __future__ import annotations

from typing import Any

from lazyaf.services.repositories import find_repo
from lazyaf.store.cards import get_card
from lazyaf.store.check_runs import CheckRunRow, runs_of_branch, runs_of_card, stacked_runs_with
from lazyaf.store.jobs import get_job
from lazyaf.store.tx import Tx

LIMIT = 50
"""Runs that are shown, of the newest."""


def checks_of_card(tx: Tx, card_id: str) -> list[dict[str, Any]]:
    """A card's runs, alone and together with others, the newest first. Raises `NotFound`."""
    card = get_card(tx, card_id)
    runs = [*runs_of_card(tx, card_id, limit=LIMIT), *stacked_runs_with(tx, card, LIMIT)]
    runs.sort(key=lambda run: run.job_id, reverse=True)
    return [_run_view(tx, run, card_id) for run in runs[:LIMIT]]


def checks_of_branch(tx: Tx, repo_key: str) -> list[dict[str, Any]]:
    """The runs of the default branch itself of a repository (id or name), the newest first."""
    repo = find_repo(tx, repo_key)
    return [_run_view(tx, run, None) for run in runs_of_branch(tx, repo.id, limit=LIMIT)]


def _run_view(tx: Tx, run: CheckRunRow, card_id: str | None) -> dict[str, Any]:
    """As this card sees it, of those that it tries."""
    job = get_job(tx, run.job_id)
    heads = {one["card_id"]: one["head_sha"] for one in run.stack or ()}
    return {
        "job_id": run.job_id,
        "card_id": card_id,
        "base_sha": run.base_sha,
        "head_sha": heads.get(card_id or "", run.head_sha),
        "together": [one["number"] for one in run.stack or () if one["card_id"] != card_id],
        "state": run.state,
        "checks": run.checks,
        "results": run.results,
        "error": job.error,
        "logs": f"/api/jobs/{job.id}/logs",
        "created_at": job.created_at,
        "started_at": job.started_at,
        "completed_at": job.completed_at,
    }
