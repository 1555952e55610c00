"""The runs of a card's checks, as a client sees them."""

from __future__ import annotations

from typing import Any

from lazyaf.store.cards import get_card
from lazyaf.store.check_runs import runs_of_card
from lazyaf.store.jobs import get_job
from lazyaf.store.tx import Tx

LIMIT = 50
"""Runs that are shown, of the newest."""


def checks_of_card(tx: Tx, card_id: str) -> list[dict[str, Any]]:
    """A card's runs, the newest first. Raises `NotFound`."""
    get_card(tx, card_id)
    shown = []
    for run in runs_of_card(tx, card_id, limit=LIMIT):
        job = get_job(tx, run.job_id)
        shown.append(
            {
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
        )
    return shown
