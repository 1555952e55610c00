"""What goes on when nobody waits, and what comes again whatever happened."""

from __future__ import annotations

import asyncio

import pytest

from lazyaf.domain.errors import Unavailable
from lazyaf.services.background import Background, ended, repeat


async def test_what_must_be_finished_is_also_when_who_waits_leaves() -> None:
    background, begun, may = Background(), asyncio.Event(), asyncio.Event()
    done: list[str] = []

    async def work() -> str:
        begun.set()
        await may.wait()
        done.append("confirmed")
        return "an answer"

    waiting = asyncio.create_task(background.finish(work()))
    await begun.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    may.set()
    await background.settle()
    assert done == ["confirmed"]
    assert await background.finish(work()) == "an answer"


async def test_who_waits_is_told_what_went_wrong() -> None:
    async def work() -> None:
        raise Unavailable("Not now.")

    with pytest.raises(Unavailable, match="Not now"):
        await Background().finish(work())


async def test_a_turn_that_fails_does_not_end_the_turns() -> None:
    failures: list[Exception] = [Unavailable("away"), KeyError("unexpected")]
    turned = asyncio.Event()

    async def turn() -> None:
        if failures:
            raise failures.pop(0)
        turned.set()

    turns = asyncio.create_task(repeat(0, turn, "turn_failed"))
    await turned.wait()
    await ended(turns)
    assert failures == []
