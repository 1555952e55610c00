"""The job: one run of an agent for a card, or of the checks for a card or for the default branch, its statuses, its attempts and why it ended."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from lazyaf.domain.errors import IllegalTransition


class JobStatus(StrEnum):
    """Edges: see `TRANSITIONS`. The last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobCommand(StrEnum):
    """What happens to a job."""

    CLAIM = "claim"
    REQUEUE = "requeue"
    COMPLETE = "complete"
    FAIL = "fail"
    CANCEL = "cancel"


class StopReason(StrEnum):
    """Why a job ended. Closed: a client may rely on knowing them all."""

    FINISHED = "finished"
    """The agent did its work and the branch has it."""
    NO_CHANGES = "no_changes"
    """The agent ended well but changed nothing."""
    AGENT_FAILED = "agent_failed"
    """The agent said so, or died."""
    SETUP_FAILED = "setup_failed"
    """The work tree or the setup command failed before the agent began."""
    PUSH_REJECTED = "push_rejected"
    """The server refused the work; it is kept by the runner."""
    TIMED_OUT = "timed_out"
    """The whole job took longer than its limit."""
    STALLED = "stalled"
    """The agent said nothing for longer than the idle limit."""
    CANCELLED = "cancelled"
    """A person stopped it."""
    RUNNER_LOST = "runner_lost"
    """The runner was lost more often than there are attempts."""
    OUT_OF_MEMORY = "out_of_memory"
    """The sandbox ran out of memory."""
    BUDGET_EXCEEDED = "budget_exceeded"
    """The agent reached its budget of turns or money."""
    CHECKS_FAILED = "checks_failed"
    """A check did not pass; only jobs of kind `JobKind.CHECK` end so."""


class JobKind(StrEnum):
    """What a job runs."""

    AGENT = "agent"
    CHECK = "check"
    """The repository's checks (`lazyaf.domain.checks`): it moves no card and pushes nothing."""


OPEN: Final = frozenset({JobStatus.QUEUED, JobStatus.RUNNING})
"""The statuses in which a job holds its card."""

MAX_ATTEMPTS: Final = 2
"""Attempts spent by losing a runner or an agent while the server is up."""

TRANSITIONS: Final[dict[tuple[JobStatus, JobCommand], JobStatus]] = {
    (JobStatus.QUEUED, JobCommand.CLAIM): JobStatus.RUNNING,
    (JobStatus.QUEUED, JobCommand.CANCEL): JobStatus.CANCELLED,
    (JobStatus.QUEUED, JobCommand.FAIL): JobStatus.FAILED,
    (JobStatus.RUNNING, JobCommand.REQUEUE): JobStatus.QUEUED,
    (JobStatus.RUNNING, JobCommand.COMPLETE): JobStatus.COMPLETED,
    (JobStatus.RUNNING, JobCommand.FAIL): JobStatus.FAILED,
    (JobStatus.RUNNING, JobCommand.CANCEL): JobStatus.CANCELLED,
}

SUCCESSES: Final = frozenset({StopReason.FINISHED, StopReason.NO_CHANGES})

HINTS: Final[dict[StopReason, str]] = {
    StopReason.AGENT_FAILED: "Open the log to see what the agent said, then retry.",
    StopReason.SETUP_FAILED: "Fix the setup command or the repository, then retry.",
    StopReason.PUSH_REJECTED: "Put the reason right, then retry: it continues from the last checkpoint.",
    StopReason.TIMED_OUT: "Raise the job limit of the repository or split the card, then retry: it continues.",
    StopReason.STALLED: "The agent went silent. Retry: it continues from the last checkpoint.",
    StopReason.RUNNER_LOST: "Look at the runners panel for what ended them, then retry.",
    StopReason.OUT_OF_MEMORY: "Give the runner more memory or split the card, then retry.",
    StopReason.BUDGET_EXCEEDED: "Raise the agent's budget or split the card, then retry: it continues.",
    StopReason.CHECKS_FAILED: "Open the log of the checks, mend what they say, then retry.",
}
"""What a person can do about a failure, by stop reason."""


def apply(status: JobStatus, command: JobCommand) -> JobStatus:
    """The status after the command, or `IllegalTransition`."""
    try:
        return TRANSITIONS[status, command]
    except KeyError:
        raise IllegalTransition(
            f"A job that is {status.value} cannot take “{command.value}”.",
            allowed=[c.value for (s, c) in TRANSITIONS if s is status],
        ) from None


def command_for(reason: StopReason) -> JobCommand:
    """How a job that stopped for this reason is closed."""
    if reason in SUCCESSES:
        return JobCommand.COMPLETE
    return JobCommand.CANCEL if reason is StopReason.CANCELLED else JobCommand.FAIL
