"""The latch that tells why work must stop."""

from __future__ import annotations

import asyncio

import pytest

from lazyaf.runner.stop import Cause, Stop, Stopped


async def forever() -> None:
    await asyncio.Event().wait()


async def answer() -> int:
    return 42


async def test_work_that_ends_first_gives_its_result() -> None:
    assert await Stop().race(answer()) == 42


async def test_a_stop_interrupts_the_work() -> None:
    stop = Stop()
    asyncio.get_running_loop().call_soon(stop.request, Cause.CANCELLED)
    with pytest.raises(Stopped):
        await stop.race(forever())


async def test_a_stronger_cause_wins_and_a_weaker_one_does_not() -> None:
    stop = Stop()
    stop.request(Cause.CANCELLED)
    stop.request(Cause.STALLED)
    assert stop.cause is Cause.CANCELLED
    stop.request(Cause.FENCED)
    assert stop.cause is Cause.FENCED


async def test_only_what_ends_the_attempt_interrupts_its_finish() -> None:
    stop = Stop()
    stop.request(Cause.CANCELLED)
    assert await stop.race_end(answer()) == 42
    asyncio.get_running_loop().call_soon(stop.request, Cause.LEAVING)
    with pytest.raises(Stopped):
        await stop.race_end(forever())


async def test_an_error_of_the_work_is_its_own() -> None:
    async def broken() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await Stop().race(broken())
