"""How checks stand: kept with their run, and in short with the card, for the board, or with the default
branch that they are of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lazyaf.domain.checks import CheckOutcome, CheckResult, ChecksState, state_after
from lazyaf.domain.jobs import StopReason
from lazyaf.services.announce import branch_checked
from lazyaf.store.cards import get_card, update_card
from lazyaf.store.check_runs import CheckRunRow, find_run, update_run
from lazyaf.store.default_branches import find_default_branch, put_default_branch
from lazyaf.store.jobs import JobRow
from lazyaf.store.tx import Tx


def short(run: CheckRunRow) -> dict[str, Any]:
    """What the board shows of a run."""
    failed = [r["name"] for r in run.results if r["outcome"] != CheckOutcome.PASSED]
    return {
        "job_id": run.job_id,
        "state": run.state,
        "base_sha": run.base_sha,
        "head_sha": run.head_sha,
        "total": len(run.checks),
        "passed": len(run.results) - len(failed),
        "failed": failed,
    }


def failures_of(run: CheckRunRow) -> list[tuple[CheckResult, str]]:
    """What did not pass in a run, each with its command."""
    commands = {check["name"]: check["run"] for check in run.checks}
    return [
        (result, commands.get(result["name"], ""))
        for result in run.results
        if result["outcome"] != CheckOutcome.PASSED
    ]


def checks_began(tx: Tx, job: JobRow, now: str) -> None:
    """A runner has them."""
    _note(tx, find_run(tx, job.id), {"state": ChecksState.RUNNING.value}, now)


def checks_requeued(tx: Tx, job: JobRow, now: str) -> None:
    """Their runner was lost; they begin again."""
    values = {"state": ChecksState.QUEUED.value, "results": []}
    _note(tx, find_run(tx, job.id), values, now)


def checks_ended(
    tx: Tx, job: JobRow, reason: StopReason, results: Sequence[CheckResult], now: str
) -> None:
    """They are over, for this reason and with these results."""
    run = find_run(tx, job.id)
    if run is not None:
        state = state_after(reason, run.checks, results)
        _note(tx, run, {"state": state.value, "results": list(results)}, now)


def _note(tx: Tx, run: CheckRunRow | None, values: dict[str, Any], now: str) -> None:
    if run is not None:
        show(tx, update_run(tx, run, values), now)


def show(tx: Tx, run: CheckRunRow, now: str) -> None:
    """Keep it with the card as well, unless a newer one is there; the event of the job tells the card. Or
    with the default branch, while that is where the run found it. One of several cards says nothing of any."""
    if run.card_id is None:
        branch = find_default_branch(tx, run.repo_id)
        if branch is not None and branch.sha == run.head_sha:
            put_default_branch(tx, replace(branch, checks=short(run)))
            branch_checked(tx, branch)
        return
    if run.stack:
        return
    card = get_card(tx, run.card_id)
    if card.checks is None or card.checks["job_id"] <= run.job_id:
        update_card(tx, card, {"checks": short(run), "updated_at": now})
