"""Follows open pull requests: asks their forges now and then how far they are, and tells the cards.

Gently: a card is looked at seldom while nothing happens to it, a few cards at a time and one after the other,
with a condition where the forge takes one. A forge that has enough or is not there is left alone for a while.
One that was closed is asked about seldom from the beginning, and as long as its card waits for review: it may be
opened again.
What is remembered is only when to ask next; after a restart the first looks are spread over an interval.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from lazyaf.domain.errors import Conflict, ForgeLimited, NotFound, Unavailable
from lazyaf.domain.events import SERVER
from lazyaf.services.background import repeat
from lazyaf.services.card_ends import card_and_repo
from lazyaf.services.context import Context
from lazyaf.services.forge_place import api_origin
from lazyaf.services.pull_request import look_at, note_look
from lazyaf.store.cards import CardRow, closed_in_review, followed_cards
from lazyaf.store.repos import RepoRow

log = structlog.get_logger(__name__)

TICK_S: Final = 5.0
AT_ONCE: Final = 5
"""Cards that one round looks at: after a sleep, when all are due, the forge is not stormed."""
SLOWER: Final = 1.5
"""Each look that finds nothing new makes the next one so much later."""
SLOWEST: Final = 15
"""In intervals; also how long to wait after a refusal."""
CLOSED: Final = 60
"""In intervals: how often one that was closed is asked about."""
JITTER: Final = 0.2
SILENT: Final = frozenset({"forge_unknown", "forge_token_wanted", "no_pull_request"})
"""What a person may well want: nobody is asked then, and the card need not complain."""


@dataclass(slots=True)
class _Known:
    """A followed pull request: the page it is about, how soon to look again when something happened, when to
    look next, how long it may rest, and the answer that is known: what it said, and its ``etag``."""

    url: str
    pace: float
    due: float
    interval: float
    etag: str | None = None
    state: str | None = None


class PullFollower:
    """Looks every ``every`` seconds at first. ``random`` is in [0, 1)."""

    def __init__(
        self, ctx: Context, every: float, random: Callable[[], float] = random.random
    ) -> None:
        self._ctx = ctx
        self._every = every
        self._random = random
        self._known: dict[str, _Known] = {}
        self._resting: dict[str, tuple[float, float]] = {}
        """Until when a forge, by its origin, is left alone, and for how long that is."""

    async def run(self) -> None:
        """Until cancelled."""
        await repeat(min(TICK_S, self._every), self.look_at_due, "pulls_not_followed")

    async def look_at_due(self) -> int:
        """One round: look at the cards that are due, a few of them; how many were."""
        now = self._ctx.clock.monotonic()
        due = [
            (known.due, card_id)
            for card_id, known in (await self._followed(now)).items()
            if known.due <= now
        ]
        looked = 0
        for _, card_id in sorted(due):
            if looked == AT_ONCE:
                break
            looked += await self._look(card_id, self._known[card_id], now)
        return looked

    async def _followed(self, now: float) -> dict[str, _Known]:
        """What there is to follow; new ones have their first look at some moment of an interval."""
        open_ones = await self._ctx.db.read(followed_cards)
        closed = await self._ctx.db.read(closed_in_review)
        followed = {}
        for pages, pace in ((closed, self._every * CLOSED), (open_ones, self._every)):
            for card_id, url in pages.items():
                known = self._known.get(card_id)
                if known is None or (known.url, known.pace) != (url, pace):
                    known = _Known(url, pace, now + self._random() * pace, pace)
                followed[card_id] = known
        self._known = followed
        return followed

    async def _look(self, card_id: str, known: _Known, now: float) -> bool:
        """Look at one card; False when its forge was not asked."""
        try:
            card, repo = await self._ctx.db.read(card_and_repo, card_id)
        except NotFound:
            return False
        origin = api_origin(repo)
        until, _ = self._resting.get(origin or "", (0.0, 0.0))
        if until > now:
            known.due = until + self._random() * self._every
            return False
        return await self._ask(card, repo, known, origin or "")

    async def _ask(self, card: CardRow, repo: RepoRow, known: _Known, origin: str) -> bool:
        note: str | None = None
        pull = None
        is_asked = True
        # The card may say otherwise since: a person asked the forge meanwhile.
        etag = known.etag if known.state == card.pr_state else None
        try:
            look = await look_at(self._ctx, card, repo, etag)
        except Unavailable as busy:
            self._rest(origin, busy)
            return True
        except Conflict as refused:
            is_asked = refused.code not in SILENT
            note = refused.detail if is_asked else None
            known.etag = None
            self._again(known, self._every * SLOWEST)
        else:
            self._resting.pop(origin, None)
            pull, known.etag = look.pull, look.etag
            known.state = card.pr_state if pull is None else pull.state.value
            if pull is None and card.pr_note is None:  # as it was
                self._again(known, known.interval * SLOWER)
                return True
        try:
            is_news = await note_look(self._ctx, card, pull, note, SERVER)
        except NotFound:  # deleted meanwhile
            return is_asked
        if note is None and is_asked:
            self._again(known, known.pace if is_news else known.interval * SLOWER)
        return is_asked

    def _again(self, known: _Known, interval: float) -> None:
        known.interval = min(interval, max(self._every * SLOWEST, known.pace))
        spread = 1 + JITTER * (2 * self._random() - 1)
        known.due = self._ctx.clock.monotonic() + known.interval * spread

    def _rest(self, origin: str, busy: Unavailable) -> None:
        """Leave a forge alone: as long as it says, else twice as long as the last time."""
        _, last = self._resting.get(origin, (0.0, 0.0))
        if isinstance(busy, ForgeLimited):
            span = float(busy.retry_after)
        else:
            span = min(max(2 * last, self._every), self._every * SLOWEST)
        self._resting[origin] = (self._ctx.clock.monotonic() + span, span)
        log.warning("forge_left_alone", forge=origin, seconds=span, detail=busy.detail)
