"""Sends cards back to their agent by itself when their checks have failed, so often as the repository says."""

from __future__ import annotations

import structlog

from lazyaf.domain.cards import CardCommand
from lazyaf.domain.checks import CheckOutcome, CheckResult, ChecksState
from lazyaf.domain.errors import LazyafError
from lazyaf.domain.events import SERVER
from lazyaf.services.context import Context
from lazyaf.services.start_card import RunRequest, start_card
from lazyaf.services.views import effective_settings
from lazyaf.store.cards import CardRow, cards_in_review
from lazyaf.store.check_runs import CheckRunRow, find_run
from lazyaf.store.repos import get_repo
from lazyaf.store.tx import Tx

log = structlog.get_logger(__name__)


async def send_back_failures(ctx: Context, repo_id: str) -> None:
    """Start another round for each card in review that has failed, tell the agent what has, and count it."""
    for run in await ctx.db.read(_failed, repo_id):
        asked = RunRequest(message=_what_failed(run))
        try:
            await start_card(ctx, run.card_id, CardCommand.REQUEST_CHANGES, asked, SERVER)
        except LazyafError as error:
            log.warning("checks.not_sent_back", card=run.card_id, detail=error.detail)


def _failed(tx: Tx, repo_id: str) -> list[CheckRunRow]:
    """The runs of the cards that have a round left."""
    limit = effective_settings(tx, get_repo(tx, repo_id)).fix_rounds
    if limit == 0:
        return []
    runs = [
        find_run(tx, card.checks["job_id"])
        for card in cards_in_review(tx, repo_id)
        if card.checks is not None and card.fix_rounds < limit and _has_failed(card)
    ]
    return [run for run in runs if run is not None]


def _has_failed(card: CardRow) -> bool:
    """On its present head, and nobody waits for it to be merged all the same."""
    known = card.checks or {}
    is_current = (known.get("state"), known.get("head_sha")) == (
        ChecksState.FAILED.value,
        card.head_sha,
    )
    is_queued = card.merge_state is not None and card.merge_state["state"] != "bounced"
    return is_current and not is_queued


def _what_failed(run: CheckRunRow) -> str:
    """For the agent."""
    failed = [result for result in run.results if result["outcome"] != CheckOutcome.PASSED]
    commands = {check["name"]: check["run"] for check in run.checks}
    intro = (
        "The repository's checks ran on your work merged with its base, and not all of them passed. Find out "
        "why, mend it, and commit."
    )
    return "\n\n".join([intro, *(_told(result, commands[result["name"]]) for result in failed)])


def _told(result: CheckResult, command: str) -> str:
    how = (
        "took too long"
        if result["outcome"] == CheckOutcome.TIMED_OUT
        else f"exited with code {result['exit_code']}"
    )
    return f"“{result['name']}” ({command}) {how}. The last lines that it printed:\n{result['last_lines']}"
