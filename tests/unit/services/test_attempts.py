"""How often a password may be tried: bursts, waiting, and nobody locked out by others."""

from __future__ import annotations

import pytest

from factories.moments import FrozenClock
from lazyaf.domain.errors import TooManyAttempts
from lazyaf.services.attempts import ALTOGETHER, PER_ADDRESS, Attempts


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def attempts(clock: FrozenClock) -> Attempts:
    return Attempts(clock.monotonic)


def refused(attempts: Attempts, address: str) -> int:
    """The seconds that this address is told to wait."""
    with pytest.raises(TooManyAttempts) as told:
        attempts.spend(address)
    retry_after = told.value.extra["retry_after"]
    assert isinstance(retry_after, int)
    return retry_after


def test_a_burst_then_one_each_interval(attempts: Attempts, clock: FrozenClock) -> None:
    for _ in range(PER_ADDRESS.burst):
        attempts.spend("192.0.2.1")
    wait = refused(attempts, "192.0.2.1")
    assert wait == PER_ADDRESS.interval
    clock.advance(wait - 1)
    assert refused(attempts, "192.0.2.1") == 1
    clock.advance(1)
    attempts.spend("192.0.2.1")
    assert refused(attempts, "192.0.2.1") == PER_ADDRESS.interval


def test_to_be_refused_costs_nothing(attempts: Attempts) -> None:
    for _ in range(PER_ADDRESS.burst):
        attempts.spend("192.0.2.1")
    assert {refused(attempts, "192.0.2.1") for _ in range(100)} == {PER_ADDRESS.interval}


def test_addresses_are_counted_apart_and_altogether(attempts: Attempts) -> None:
    for number in range(ALTOGETHER.burst):
        attempts.spend(f"192.0.2.{number}")
    assert refused(attempts, "198.51.100.1") == ALTOGETHER.interval


def test_who_proved_the_password_is_not_held_up_by_others(attempts: Attempts) -> None:
    attempts.spend("203.0.113.9")
    attempts.forgive("203.0.113.9")
    for number in range(ALTOGETHER.burst):
        attempts.spend(f"192.0.2.{number}")
    assert refused(attempts, "198.51.100.1") == ALTOGETHER.interval
    for _ in range(PER_ADDRESS.burst):
        attempts.spend("203.0.113.9")
    assert refused(attempts, "203.0.113.9") == PER_ADDRESS.interval


def test_the_right_password_gives_the_burst_back(attempts: Attempts) -> None:
    for _ in range(20):
        for _ in range(PER_ADDRESS.burst):
            attempts.spend("192.0.2.1")
        attempts.forgive("192.0.2.1")


@pytest.mark.parametrize(
    ("one", "other", "are_one"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("unknown", "unknown", True),
    ],
)
def test_who_counts_as_one(attempts: Attempts, one: str, other: str, are_one: bool) -> None:
    for _ in range(PER_ADDRESS.burst):
        attempts.spend(one)
    if are_one:
        refused(attempts, other)
    else:
        attempts.spend(other)
