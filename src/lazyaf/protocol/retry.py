"""The one table of HTTP status → what a runner does about it.

Time-outs: a long poll waits ``wait`` seconds (25) on the server; the client allows 10 s more before it
calls the connection dead (35 s), which is well inside the lease (60 s), so one lost answer never
costs a lease. Retries are spaced 0.2 s · 2ⁿ with jitter, at most 5 s apart, so that a server that
restarts in 3 s is found again within the same 5 s.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

LONG_POLL_S: Final = 25.0
CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 35.0
RETRY_FIRST_S: Final = 0.2
RETRY_MAX_S: Final = 5.0


class Reaction(StrEnum):
    """What to do about an answer."""

    ACCEPT = "accept"
    RETRY = "retry"
    """Wait (``Retry-After`` first) and send the same request again."""
    REREGISTER = "reregister"
    """The server does not know this runner (any more): register, then send again."""
    FENCED = "fenced"
    """The lease is lost: stop, keep the work as an orphan, claim again."""
    GIVE_UP = "give_up"
    """The request is wrong and will be wrong again: say so and stop."""


def reaction_to(status: int, code: str | None = None) -> Reaction:
    """How to react to this status and problem ``code``."""
    if status < 400:
        return Reaction.ACCEPT
    if status in (408, 425, 429) or status >= 500:
        return Reaction.RETRY
    if code == "lease_lost":
        return Reaction.FENCED
    if code == "unknown_runner":
        return Reaction.REREGISTER
    return Reaction.GIVE_UP
