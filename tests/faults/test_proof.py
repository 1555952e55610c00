"""The proof itself can fail: logs that lack or double something are called so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from faults import proof
from faults.blows import BLOWS
from faults.moments import Exchange, Moment
from faults.trial import plans

WHOLE = ("begin r 0 10.0", "tick r 1", "tick r 2", "end r 2")


def entries(*texts: str, numbers: Sequence[int] | None = None) -> list[dict[str, Any]]:
    """A log with these lines of output."""
    return [
        {"seq": seq, "attempt": 1, "kind": "stdout", "text": text}
        for seq, text in zip(numbers or range(1, len(texts) + 1), texts, strict=True)
    ]


def test_a_whole_log_passes() -> None:
    runs = proof.runs_in(entries(*WHOLE))
    proof.require_counts(runs)

    assert (runs["r"].step, runs["r"].up, runs["r"].ticks, runs["r"].end) == (0, 10.0, [1, 2], 2)


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param(("begin r 0 1.0", "tick r 2"), id="the first is missing"),
        pytest.param(("begin r 0 1.0", "tick r 1", "tick r 3"), id="one in the middle is missing"),
        pytest.param(("begin r 0 1.0", "tick r 1", "tick r 1"), id="one is there twice"),
        pytest.param(("begin r 0 1.0", "tick r 2", "tick r 1"), id="two have changed places"),
        pytest.param(("begin r 0 1.0", "tick r 1", "end r 2"), id="the last is missing"),
    ],
)
def test_a_log_that_lacks_or_doubles_an_entry_fails(texts: tuple[str, ...]) -> None:
    with pytest.raises(AssertionError, match="run r"):
        proof.require_counts(proof.runs_in(entries(*texts)))


def test_a_run_that_is_told_twice_fails() -> None:
    with pytest.raises(AssertionError, match="begins twice"):
        proof.runs_in(entries(*WHOLE, *WHOLE))


def test_a_gap_in_the_numbers_of_a_log_fails() -> None:
    with pytest.raises(AssertionError, match="gap"):
        proof.runs_in(entries("a", "b", numbers=(1, 3)))


@pytest.mark.parametrize(
    "story",
    [
        ["job.claimed", "job.claimed", "job.finished"],
        ["job.claimed", "job.finished", "job.finished"],
        ["job.claimed", "job.requeued", "job.finished", "job.claimed"],
        ["job.claimed", "job.requeued"],
        [],
    ],
)
def test_a_job_that_was_claimed_twice_or_never_ended_fails(story: list[str]) -> None:
    with pytest.raises(AssertionError):
        proof.require_turns(story)


def test_a_job_that_was_given_back_in_between_passes() -> None:
    proof.require_turns(["job.claimed", "job.requeued", "job.claimed", "job.finished"])


def test_every_blow_falls_at_every_moment_that_it_fits() -> None:
    cells = {(moment, blow.name) for blow in BLOWS for moment in blow.moments}
    first = {(m, b.name) for plan in plans("x", len(cells)) for m, b in plan.blows}

    assert first == cells
    assert {moment for moment, _ in cells} == set(Moment)


def test_the_same_seed_gives_the_same_plans() -> None:
    assert plans("x", 50) == plans("x", 50)
    assert plans("x", 50) != plans("y", 50)


@pytest.mark.parametrize(
    ("request_", "body", "status", "moment"),
    [
        ("POST /api/runner/v1/claim", b"{}", 200, Moment.CLAIMING),
        ("GET /git/x.git/info/refs?service=git-upload-pack", b"", None, Moment.FETCHING),
        ("POST /api/runner/v1/jobs/1/log", b'"name":"setup"', None, Moment.SETUP),
        ("POST /api/runner/v1/jobs/1/log", b'"text":"tick r 1"', None, Moment.RUNNING),
        ("POST /git/x.git/git-receive-pack", b"jobs/1/1/head jobs/1/1/checkpoint", None,
         Moment.CHECKPOINTING),
        ("POST /git/x.git/git-receive-pack", b"jobs/1/1/head", None, Moment.PUSHING),
        ("POST /api/runner/v1/jobs/1/finish", b"{}", None, Moment.FINISHING),
        ("POST /api/cards/1/approve", b"{}", None, Moment.APPROVING),
    ],
)  # fmt: skip
def test_an_exchange_shows_its_moment(
    request_: str, body: bytes, status: int | None, moment: Moment
) -> None:
    exchange = Exchange.begun_by(f"{request_} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert exchange is not None
    exchange.asks(body)
    if status is not None:
        exchange.answers(f"HTTP/1.1 {status} OK\r\n\r\n".encode())

    assert [each for each in Moment if exchange.is_part_of(each)] == [moment]
