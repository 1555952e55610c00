"""Close a job and move its card accordingly: the one place where a job ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lazyaf.domain.cards import CardCommand
from lazyaf.domain.checks import CheckResult
from lazyaf.domain.events import Actor, EventType
from lazyaf.domain.jobs import (
    HINTS,
    JobCommand,
    JobKind,
    JobStatus,
    StopReason,
    apply,
    command_for,
)
from lazyaf.protocol.entries import UNHEARD, EntryKind
from lazyaf.services.announce import job_changed, runner_changed
from lazyaf.services.answer_comments import Answer, record_answers
from lazyaf.services.append_log import append_own
from lazyaf.services.card_branch import Measured
from lazyaf.services.cards import change_status
from lazyaf.services.check_state import checks_ended
from lazyaf.store.cards import get_card
from lazyaf.store.jobs import (
    JobRow,
    commands_after,
    forget_commands,
    get_attempt,
    get_job,
    update_attempt,
    update_job,
)
from lazyaf.store.runners import find_runner_by_id, update_runner
from lazyaf.store.tx import Tx

CARD_COMMANDS = {
    JobCommand.COMPLETE: CardCommand.JOB_FINISHED,
    JobCommand.FAIL: CardCommand.JOB_FAILED,
    JobCommand.CANCEL: CardCommand.JOB_CANCELLED,
}

DETAILS = {
    StopReason.AGENT_FAILED: "The agent ended without saying that its work is done.",
    StopReason.SETUP_FAILED: "The setup failed before the agent began.",
    StopReason.PUSH_REJECTED: "The server refused the work. The runner keeps it.",
    StopReason.TIMED_OUT: "The job took longer than its limit. The work so far is on the branch.",
    StopReason.STALLED: "The agent said nothing for longer than its limit. The work so far is on "
    "the branch.",
    StopReason.RUNNER_LOST: "The runner was lost and no attempt is left. The work up to the last "
    "checkpoint is on the branch.",
    StopReason.OUT_OF_MEMORY: "The agent ran out of memory. The work so far is on the branch.",
    StopReason.BUDGET_EXCEEDED: "The agent reached its budget of turns or money. The work so far is on "
    "the branch.",
    StopReason.CHECKS_FAILED: "Not every check passed.",
}


@dataclass(frozen=True, slots=True)
class Closing:
    """How a job ended. ``head_sha`` is where the card's branch stands after it, ``final_sha`` what
    the runner pushed as its last word, if it could; commands up to ``heard`` were dealt with. ``checks``
    is what came of each that ran, ``answers`` what the agent said about the comments that it was given."""

    reason: StopReason
    error: str | None = None
    head_sha: str | None = None
    final_sha: str | None = None
    usage: dict[str, Any] | None = None
    session: str | None = None
    measured: Measured | None = None
    heard: int = 0
    checks: tuple[CheckResult, ...] = ()
    answers: tuple[Answer, ...] = ()


def close_job(tx: Tx, job_id: str, closing: Closing, actor: Actor, now: str) -> JobRow:
    """End the job for this reason, its attempt and its runner's occupation; move the card, if it was an
    agent's."""
    _answer_messages(tx, job_id, closing.heard, now)
    job = get_job(tx, job_id)
    command = command_for(closing.reason)
    update_job(
        tx,
        job,
        {
            "status": apply(JobStatus(job.status), command).value,
            "stop_reason": closing.reason.value,
            "error": closing.error,
            **_where_it_stands(job, closing, command),
            "usage": closing.usage or job.usage,
            "session_id": closing.session or job.session_id,
            "completed_at": now,
        },
    )
    end_attempt(tx, job, "closed", now)
    record_answers(tx, job, closing.answers, now)
    if job.kind == JobKind.CHECK.value:
        checks_ended(tx, job, closing.reason, closing.checks, now)
    else:
        _move_card(tx, job, closing, command, actor, now)
    closed, _ = job_changed(tx, EventType.JOB_FINISHED, job_id, actor)
    return closed


def _move_card(
    tx: Tx, job: JobRow, closing: Closing, command: JobCommand, actor: Actor, now: str
) -> None:
    card = get_card(tx, job.card)
    values: dict[str, Any] = {
        "head_sha": closing.head_sha or card.head_sha,
        "failure": _failure(closing) if command is JobCommand.FAIL else None,
        "no_changes": closing.reason is StopReason.NO_CHANGES,
    }
    if closing.measured is not None:
        values |= {**closing.measured.values(), "conflicts_with": [], "uncompared": 0}
    change_status(tx, card, CARD_COMMANDS[command], values, actor, now)


def _answer_messages(tx: Tx, job_id: str, heard: int, now: str) -> None:
    """Say in the log which messages no agent has heard: nobody's words are lost in silence."""
    for command in commands_after(tx, job_id, heard):
        if command.type == "message":
            append_own(tx, job_id, command.text or "", now, kind=EntryKind.USER)
            append_own(tx, job_id, UNHEARD, now, is_error=True)
    forget_commands(tx, job_id)


def _where_it_stands(job: JobRow, closing: Closing, command: JobCommand) -> dict[str, str | None]:
    """Where a later run goes on. Work that could not be committed stays a checkpoint, with the commit
    that it lies upon; a final commit has everything, and outdates it."""
    is_outdated = command is JobCommand.COMPLETE or closing.final_sha not in (None, job.head_sha)
    if job.checkpoint_sha is None or is_outdated:
        return {"head_sha": closing.head_sha or job.head_sha, "checkpoint_sha": None}
    return {"head_sha": job.head_sha, "checkpoint_sha": job.checkpoint_sha}


def end_attempt(tx: Tx, job: JobRow, state: str, now: str) -> None:
    """End the job's live attempt, if there is one, and free its runner."""
    attempt = get_attempt(tx, job.id, job.attempt)
    if attempt is None or attempt.state != "live":
        return
    update_attempt(tx, attempt, {"state": state, "ended_at": now})
    runner = find_runner_by_id(tx, attempt.runner_id)
    if runner is not None and runner.current_job_id == job.id:
        status = "offline" if runner.status == "offline" else "idle"
        freed = update_runner(tx, runner, {"status": status, "current_job_id": None})
        actor = Actor("runner", runner.name)
        runner_changed(tx, EventType.RUNNER_UPDATED, runner.id, actor, runner=freed)


def _failure(closing: Closing) -> dict[str, str]:
    return {
        "reason": closing.reason.value,
        "detail": closing.error or DETAILS[closing.reason],
        "hint": HINTS[closing.reason],
    }
