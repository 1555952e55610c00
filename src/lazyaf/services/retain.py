"""How long events and logs are kept, and the end of those that are older."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from lazyaf.services.context import Context
from lazyaf.services.trim_logs import AT_ONCE, trim_logs

KEEP_EVENTS: Final = timedelta(days=90)


def ago(now: str, time: timedelta) -> str:
    """The moment so long before ``now``, as timestamps are stored."""
    return (datetime.fromisoformat(now) - time).isoformat(timespec="milliseconds")


async def trim_all_logs(ctx: Context, days: float) -> None:
    """Forget the logs of jobs that ended so many days ago; 0 keeps them for ever."""
    if not days:
        return
    before, removed = ago(ctx.clock.now(), timedelta(days=days)), AT_ONCE
    while removed == AT_ONCE:  # what others write comes in between
        removed = await ctx.db.write(trim_logs, before, days, ctx.clock.now())
