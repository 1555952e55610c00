"""What a failed card says, by the reason for which its job stopped."""

from __future__ import annotations

import pytest

from lazyaf.domain.jobs import HINTS, JobCommand, StopReason, command_for
from lazyaf.services.close_job import DETAILS

FAILURES = [reason for reason in StopReason if command_for(reason) is JobCommand.FAIL]


@pytest.mark.parametrize("reason", FAILURES)
def test_every_failure_says_what_happened_and_what_to_do(reason: StopReason) -> None:
    for sentence in (DETAILS[reason], HINTS[reason]):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert "_" not in sentence
    assert "retry" in HINTS[reason].lower()


def test_nothing_is_said_of_what_is_no_failure() -> None:
    assert set(DETAILS) == set(HINTS) == set(FAILURES)
