"""What the server knows of what lies about on a runner's disk: the runner decides by it what may go."""

from __future__ import annotations

from lazyaf.domain.errors import NotFound
from lazyaf.git.reach import reached
from lazyaf.protocol.messages import LeftoversRequest, LeftoversResponse
from lazyaf.services.context import Context
from lazyaf.store.deletions import deleted_cards, deleted_repos
from lazyaf.store.jobs import cards_at_work, live_attempts
from lazyaf.store.tx import Tx


async def about_leftovers(ctx: Context, asked: LeftoversRequest) -> LeftoversResponse:
    """Answer; what is not known is left out."""
    known = await ctx.db.read(_known, asked)
    found: set[str] = set()
    for repo_id, shas in asked.commits.items():
        try:
            found |= await reached(ctx.git, repo_id, shas)
        except NotFound:  # the repository is deleted, or another server's
            continue
    return known.model_copy(update={"reached": sorted(found)})


def _known(tx: Tx, asked: LeftoversRequest) -> LeftoversResponse:
    live = {f"{attempt.job_id}/{attempt.attempt}" for attempt in live_attempts(tx)}
    return LeftoversResponse(
        deleted=[*deleted_cards(tx, asked.cards), *deleted_repos(tx, asked.repos)],
        at_work=cards_at_work(tx, asked.cards),
        live=sorted(live.intersection(asked.attempts)),
    )
