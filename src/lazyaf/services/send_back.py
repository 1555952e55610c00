"""Sends cards back to their agent by itself when their checks have failed, so often as the repository says."""

from __future__ import annotations

import structlog

from lazyaf.domain.cards import CardCommand
from lazyaf.domain.checks import ChecksState, how_it_ended
from lazyaf.domain.errors import LazyafError
from lazyaf.domain.events import SERVER
from lazyaf.services.check_state import failures_of
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
    for card_id, run in await ctx.db.read(_failed, repo_id):
        asked = RunRequest(message=_what_failed(run))
        try:
            await start_card(ctx, card_id, CardCommand.REQUEST_CHANGES, asked, SERVER)
        except LazyafError as error:
            log.warning("checks.not_sent_back", card=card_id, detail=error.detail)


def _failed(tx: Tx, repo_id: str) -> list[tuple[str, CheckRunRow]]:
    """The cards that have a round left, and their runs."""
    settings = effective_settings(tx, get_repo(tx, repo_id))
    limit = settings.fix_rounds if settings.checks else 0
    if limit == 0:
        return []
    runs = [
        (card.id, find_run(tx, card.checks["job_id"]))
        for card in cards_in_review(tx, repo_id)
        if card.checks is not None and card.fix_rounds < limit and _has_failed(card)
    ]
    return [(card_id, run) for card_id, run in runs if run is not None]


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
    intro = (
        "The repository's checks ran on your work merged with its base, and not all of them passed. Find out "
        "why, mend it, and commit."
    )
    told = (
        f"“{result['name']}” ({command}) {how_it_ended(result)}. The last lines that it printed:\n"
        f"{result['last_lines']}"
        for result, command in failures_of(run)
    )
    return "\n\n".join([intro, *told])
