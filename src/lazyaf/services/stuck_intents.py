"""Intents that a running server has left open: an error came where nobody could clear them any more.

Their card answers 409 ``busy`` until the next start. Nobody is at an intent whose lock is free, so it can
be finished or undone as at a start (rules.md R8).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from lazyaf.services.context import Context
from lazyaf.services.recover import resume_intent
from lazyaf.services.retain import ago
from lazyaf.store.intents import IntentRow, list_intents
from lazyaf.store.tx import Tx

STUCK_AFTER: Final = timedelta(minutes=5)


def stuck_intents(tx: Tx, now: str) -> list[IntentRow]:
    """Those that are open for longer than any merge takes."""
    before = ago(now, STUCK_AFTER)
    return [intent for intent in list_intents(tx) if intent.created_at < before]


async def resume_stuck(ctx: Context) -> int:
    """Finish or undo each of them, once nobody is at it; how many."""
    stuck = await ctx.db.read(stuck_intents, ctx.clock.now())
    for intent in stuck:
        async with ctx.job_locks.hold(_lock_of(intent)):
            still = await ctx.db.read(list_intents)
            if intent.id in {each.id for each in still}:
                await resume_intent(ctx, intent)
    return len(stuck)


def _lock_of(intent: IntentRow) -> str:
    """Who finishes a job holds the job, everyone else the card."""
    is_finish = intent.operation == "finish"
    return str(intent.body["job_id"]) if is_finish else f"card:{intent.card_id}"
