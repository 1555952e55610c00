"""The line of waiting runners: who is woken for what, and when a baton has done its work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from lazyaf.services.dispatch import Dispatcher, Waiter

CLAUDE, SCRIPT = frozenset({"claude"}), frozenset({"script"})
BOTH = CLAUDE | SCRIPT


def in_a_loop(test: Callable[[Dispatcher], None]) -> None:
    """Waiters are futures, so there must be a loop; nothing is awaited."""

    async def run() -> None:
        test(Dispatcher())

    asyncio.run(run())


def woken(*waiters: Waiter) -> list[bool]:
    return [waiter.is_woken for waiter in waiters]


def test_a_queued_job_wakes_the_first_who_can_run_it() -> None:
    def test(line: Dispatcher) -> None:
        script, first, second = line.join(SCRIPT), line.join(BOTH), line.join(CLAUDE)
        line.wake("claude")
        assert woken(script, first, second) == [False, True, False]
        line.looked(line.leave(first), BOTH, found=True)
        assert woken(script, second) == [False, False]

    in_a_loop(test)


def test_who_looked_in_vain_looked_for_all_who_can_run_no_more() -> None:
    def test(line: Dispatcher) -> None:
        first, like, more, later = (line.join(a) for a in (SCRIPT, SCRIPT, BOTH, SCRIPT))
        line.wake_for_room()
        assert woken(first, like, more, later) == [True, False, False, False]
        line.looked(line.leave(first), SCRIPT, found=False)
        assert woken(like, more, later) == [False, True, False]
        line.looked(line.leave(more), BOTH, found=False)
        assert woken(like, later) == [False, False]

    in_a_loop(test)


def test_who_does_not_look_spoils_nothing() -> None:
    """A runner that drains, or has a job, looked for nobody."""

    def test(line: Dispatcher) -> None:
        busy, free = line.join(SCRIPT), line.join(SCRIPT)
        line.wake("script")
        line.looked(line.leave(busy), frozenset(), found=False)
        assert free.is_woken
        line.pass_on(line.leave(free))  # its client is gone
        assert line.join(SCRIPT).is_woken is False

    in_a_loop(test)


def test_room_wakes_one_after_the_other_for_as_long_as_there_are_jobs() -> None:
    def test(line: Dispatcher) -> None:
        waiters = [line.join(SCRIPT) for _ in range(4)]
        line.wake_for_room()
        for waiter in waiters[:2]:
            assert waiter.is_woken
            line.looked(line.leave(waiter), SCRIPT, found=True)
        line.looked(line.leave(waiters[2]), SCRIPT, found=False)
        assert woken(*waiters) == [True, True, True, False]

    in_a_loop(test)


def test_a_queued_job_is_looked_for_by_all_who_can_run_it_until_one_has_looked() -> None:
    def test(line: Dispatcher) -> None:
        first, second = line.join(BOTH), line.join(BOTH | {"other"})
        line.wake("claude")
        line.looked(line.leave(first), BOTH, found=False)  # it is held
        assert not second.is_woken

    in_a_loop(test)


def test_who_joined_afterwards_has_looked_already() -> None:
    def test(line: Dispatcher) -> None:
        gone = line.join(SCRIPT)
        line.wake("script")
        late = line.join(SCRIPT)
        line.pass_on(line.leave(gone))
        assert not late.is_woken

    in_a_loop(test)


def test_a_server_that_leaves_wakes_everybody() -> None:
    def test(line: Dispatcher) -> None:
        waiters = [line.join(SCRIPT), line.join(CLAUDE)]
        line.drain()
        assert line.is_draining
        assert woken(*waiters) == [True, True]

    in_a_loop(test)
