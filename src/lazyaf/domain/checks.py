"""Checks: the commands of a repository that say whether a change may be merged.

They run as one job, one after the other, on the commit that merging a card would make: what one pair of
base and head comes to says nothing of another pair.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, TypedDict

from lazyaf.domain.jobs import StopReason

CHECKS: Final = "check"
"""What stands for the agent in a job that runs checks: the lane of the queue that every runner takes."""
CHECKS_MAX: Final = 20
"""Checks that a repository can have."""
NAME_MAX: Final = 60
"""Characters in the name of a check."""
TIMEOUT_S: Final = 600.0
"""For a check that says nothing of it."""


class Check(TypedDict):
    """One check, as settings hold it: a shell command and how long it may take."""

    name: str
    run: str
    timeout_s: float


class CheckOutcome(StrEnum):
    """What came of one check. Closed."""

    PASSED = "passed"
    FAILED = "failed"
    """The command ended with another code than 0."""
    TIMED_OUT = "timed_out"


class CheckResult(TypedDict):
    """How one check ended: its exit code, where there was one, and how long it took."""

    name: str
    outcome: CheckOutcome
    exit_code: int | None
    seconds: float
    last_lines: str


def how_it_ended(result: CheckResult) -> str:
    """Of a check that did not pass, as words that follow its name."""
    if result["outcome"] == CheckOutcome.TIMED_OUT:
        return "took too long"
    return f"exited with code {result['exit_code']}"


class Stacked(TypedDict):
    """A card of those that one run tries together: which approval of it, and of which commit."""

    approval: str
    card_id: str
    number: int
    head_sha: str


class ChecksState(StrEnum):
    """How far the checks of a pair of commits have come. Closed."""

    QUEUED = "queued"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    """At least one of them did not pass."""
    BROKEN = "broken"
    """They could not be run to their end, so nothing is known."""
    CANCELLED = "cancelled"


OPEN: Final = frozenset({ChecksState.QUEUED, ChecksState.RUNNING})
"""Those in which a result is still to come."""
WORTHLESS: Final = frozenset({ChecksState.BROKEN, ChecksState.CANCELLED})
"""Those that say nothing of the commits."""

_ENDED: Final = {
    StopReason.FINISHED: ChecksState.PASSED,
    StopReason.CHECKS_FAILED: ChecksState.FAILED,
    StopReason.CANCELLED: ChecksState.CANCELLED,
}


def state_after(
    reason: StopReason, checks: Iterable[Check], results: Iterable[CheckResult]
) -> ChecksState:
    """What a job that stopped for this reason says of its checks. They have passed only when each of them
    is known to have."""
    state = _ENDED.get(reason, ChecksState.BROKEN)
    passed = {result["name"] for result in results if result["outcome"] == CheckOutcome.PASSED}
    if state is ChecksState.PASSED and any(check["name"] not in passed for check in checks):
        return ChecksState.BROKEN
    return state
