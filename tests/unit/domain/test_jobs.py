"""Every status and command of a job, and how each stop reason closes it."""

from __future__ import annotations

import itertools

import pytest

from lazyaf.domain import jobs
from lazyaf.domain.errors import IllegalTransition
from lazyaf.domain.jobs import JobCommand as C
from lazyaf.domain.jobs import JobStatus as S
from lazyaf.domain.jobs import StopReason as R
from lazyaf.services.close_job import CARD_COMMANDS, DETAILS

LEGAL = {
    (S.QUEUED, C.CLAIM): S.RUNNING,
    (S.QUEUED, C.CANCEL): S.CANCELLED,
    (S.QUEUED, C.FAIL): S.FAILED,
    (S.RUNNING, C.REQUEUE): S.QUEUED,
    (S.RUNNING, C.COMPLETE): S.COMPLETED,
    (S.RUNNING, C.FAIL): S.FAILED,
    (S.RUNNING, C.CANCEL): S.CANCELLED,
}


@pytest.mark.parametrize(("status", "command"), list(itertools.product(S, C)))
def test_each_command_leads_where_the_table_says(status: S, command: C) -> None:
    if (status, command) in LEGAL:
        assert jobs.apply(status, command) is LEGAL[status, command]
        return
    with pytest.raises(IllegalTransition) as refused:
        jobs.apply(status, command)
    assert refused.value.extra["allowed"] == sorted(c.value for (s, c) in LEGAL if s is status)


def test_what_is_over_stays_over() -> None:
    assert {s for s, _ in jobs.TRANSITIONS} == jobs.OPEN == {S.QUEUED, S.RUNNING}


@pytest.mark.parametrize("reason", list(R))
def test_each_stop_reason_has_one_ending(reason: R) -> None:
    expected = {R.FINISHED: C.COMPLETE, R.NO_CHANGES: C.COMPLETE, R.CANCELLED: C.CANCEL}
    command = jobs.command_for(reason)
    assert command is expected.get(reason, C.FAIL)
    assert command in CARD_COMMANDS


def test_each_failure_says_what_happened_and_what_to_do() -> None:
    failures = {r for r in R if jobs.command_for(r) is C.FAIL}
    assert set(jobs.HINTS) == failures == set(DETAILS)
