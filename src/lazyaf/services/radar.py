"""The conflict radar: looks at a repository's cards in review again when something moved.

Whether each merges into its base, and which of them conflict with each other, is found out here and
nowhere on the way of a request. An event is a hint to look; a look computes what the database does not
know yet (`measure_reviews`, `compare_reviews`) and tells each card that is otherwise now. So a hint too
many costs little, and what a restart loses it makes up for at its start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog

from lazyaf.domain.errors import LazyafError, NotFound
from lazyaf.domain.events import SERVER, EventType, NewEvent
from lazyaf.services.check_branch import review_branch
from lazyaf.services.compare_reviews import compare_reviews
from lazyaf.services.context import Context
from lazyaf.services.measure_reviews import measure_reviews
from lazyaf.services.merge_queue import advance_merges
from lazyaf.services.red_branch import follow_branch
from lazyaf.services.run_checks import review_checks
from lazyaf.services.send_back import send_back_failures
from lazyaf.services.views import effective_settings
from lazyaf.store.cards import is_in_review, repos_in_review
from lazyaf.store.check_runs import open_runs
from lazyaf.store.default_branches import find_default_branch
from lazyaf.store.queued_merges import queued_merges_of
from lazyaf.store.repos import get_repo, repos_with_checks
from lazyaf.store.tx import Tx

log = structlog.get_logger(__name__)

AT_ONCE: Final = 2
"""Repositories that are looked at together, each by one git child at a time."""
PAUSE_S: Final = 0.25
"""Between two looks at one repository: what comes in a burst is one thing to look at."""

TELLING: Final = frozenset(
    {
        EventType.BRANCH_PUSHED,
        EventType.BRANCH_MERGED,
        EventType.JOB_FINISHED,
        EventType.CARD_MOVED,
        EventType.CARD_UPDATED,
        EventType.CARD_DELETED,
        EventType.REPO_UPDATED,
    }
)
"""After these a head, a base or the set of cards in review may be another."""


Sight = frozenset[tuple[object, ...]]
"""All that the comparing of cards depends on, and what they say of it already."""


class Radar:
    """Which repositories are to be looked at, and which one is. Belongs to one event loop."""

    def __init__(self, ctx: Context, pause: float = PAUSE_S) -> None:
        self._ctx = ctx
        self._pause = pause
        self._due: set[str] = set()
        self._looking: set[str] = set()
        self._seen: dict[str, Sight] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._closed = asyncio.Event()

    async def start(self) -> None:
        """Look at every repository with cards in review, and with a default branch that is checked."""
        for repo_id in await self._ctx.db.read(_to_look_at):
            self.look(repo_id)

    def close(self) -> None:
        """Look no more, and stop at the next chance: what is computed by then is kept."""
        self._closed.set()

    def heard(self, events: Sequence[NewEvent]) -> None:
        """What was just committed; never waits."""
        for event in events:
            # What this radar itself wrote down is no news to it.
            own = event.type is EventType.CARD_UPDATED and event.actor == SERVER
            if event.type in TELLING and not own:
                self.look(event.repo_id or event.subject)

    def look(self, repo_id: str) -> None:
        """Look at this repository soon, once for however many say so meanwhile."""
        if self._closed.is_set():
            return
        self._due.add(repo_id)
        if repo_id not in self._looking:
            self._looking.add(repo_id)
            self._ctx.background.run(self._watch(repo_id))

    async def _watch(self, repo_id: str) -> None:
        try:
            while repo_id in self._due and not self._closed.is_set():
                self._due.discard(repo_id)
                async with self._slots:
                    await self._try(repo_id)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._closed.wait(), self._pause)
        finally:
            self._looking.discard(repo_id)

    async def _try(self, repo_id: str) -> None:
        try:
            last = self._seen.pop(repo_id, None)
            seen = await look_at(self._ctx, repo_id, self._closed.is_set, last)
            if seen is not None:
                self._seen[repo_id] = seen
        except NotFound:
            return  # the repository is gone
        except LazyafError as error:
            log.warning("radar_failed", repo=repo_id, detail=error.detail)
        except Exception as error:
            log.error("radar_failed", repo=repo_id, exc_info=error)


@dataclass(frozen=True, slots=True)
class _Work:
    """What there is in a repository that a look is about. What comes while it goes on is a hint for another."""

    reviews: bool
    checks: bool
    merges: bool


def _what_there_is(tx: Tx, repo_id: str) -> _Work:
    """In one look, where the steps would take one each: in most repositories there is little."""
    settings = effective_settings(tx, get_repo(tx, repo_id))
    return _Work(
        reviews=is_in_review(tx, repo_id),
        checks=bool(settings.checks or find_default_branch(tx, repo_id) or open_runs(tx, repo_id)),
        merges=bool(queued_merges_of(tx, repo_id, 1)),
    )


def _to_look_at(tx: Tx) -> list[str]:
    return sorted({*repos_in_review(tx), *repos_with_checks(tx)})


async def look_at(
    ctx: Context,
    repo_id: str,
    is_over: Callable[[], bool] = lambda: False,
    last: Sight | None = None,
) -> Sight | None:
    """One look at a repository, to its end or until ``is_over``: how its cards merge, which checks are due,
    whose turn it is in the merge queue, whom to send back, how the default branch stands, and who conflicts
    with whom, where there is anything of that. Returns what it saw, for the next one not to compare the same again."""
    there = await ctx.db.read(_what_there_is, repo_id)
    reviews = await measure_reviews(ctx, repo_id, is_over) if there.reviews else []
    if there.checks and not is_over():
        await review_checks(ctx, repo_id)
    if there.merges and not is_over():
        await advance_merges(ctx, repo_id)
    if there.checks and not is_over():
        await send_back_failures(ctx, repo_id)
        await review_branch(ctx, repo_id)
        await follow_branch(ctx, repo_id)
    sight = frozenset(
        (r.card.id, r.base, r.base_sha, r.head_sha, *r.card.conflicts_with, r.card.uncompared)
        for r in reviews
    )
    if sight != last and not is_over():
        await compare_reviews(ctx, repo_id, reviews, is_over)
    return None if is_over() else sight
