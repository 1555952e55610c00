"""The faults: what each does, for how long it lasts, how it is put right, and what it may cost."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from random import Random
from typing import Final

import psutil

from faults.crew import RunnerProcess
from faults.moments import Moment, Stage
from faults.site import LEASE_S, Site
from support.server import STOP_S

HOUR: Final = 3600
SILENT_S: Final = LEASE_S + 2.0
"""Longer than a lease lasts."""
_BOTH: Final = (0.1, SILENT_S)
_SHORT: Final = (0.1, 1.5)
_SEEN: Final = (1.2, 3.0)
"""A process notices within a second that its clock was set; to look more often takes half its time."""

EVERY: Final = frozenset(Moment)
WITH_RUNNER: Final = EVERY - {Moment.QUEUED, Moment.APPROVING}
WITH_AGENT: Final = frozenset({Moment.RUNNING, Moment.CHECKPOINTING})
WITH_CALL: Final = EVERY - {Moment.QUEUED}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a blow falls: the site, the runner whose job it is, the agent's mark in its command line."""

    site: Site
    runner: RunnerProcess
    tag: str


Strike = Callable[[Place], None]
"""Does the harm, at once; it may not wait."""
Mend = Callable[[Place], None]
"""Puts it right, and may take its time."""


@dataclass(frozen=True, slots=True)
class Blow:
    """A kind of fault. ``lasts`` are the shortest and the longest time in seconds. ``spends``: it may
    cost an attempt. ``fails``: reasons for which the job may end, to be retried by a person."""

    name: str
    strike: Strike
    mend: Mend
    lasts: tuple[float, float]
    moments: frozenset[Moment] = EVERY
    spends: bool = False
    fails: frozenset[str] = frozenset()
    loses_exchange: bool = False
    stages: tuple[Stage, ...] = tuple(Stage)

    def length(self, dice: Random) -> float:
        """How long it lasts this time: mostly short, sometimes as long as it can."""
        shortest, longest = self.lasts
        return longest if dice.random() < 0.12 else dice.uniform(shortest, min(longest, 1.5))


def _nothing(_: Place) -> None:
    return


def _kill_server(place: Place) -> None:
    with contextlib.suppress(ProcessLookupError):
        place.site.server.process.send_signal(signal.SIGKILL)


def _start_server(place: Place) -> None:
    site = place.site
    site.end_server()
    site.server.start()


def _stop_server(place: Place) -> None:
    place.site.server.process.send_signal(signal.SIGTERM)


def _restart_server(place: Place) -> None:
    place.site.server.process.wait(STOP_S)
    _start_server(place)


def _freeze_server(place: Place) -> None:
    place.site.server.process.send_signal(signal.SIGSTOP)


def _thaw_server(place: Place) -> None:
    place.site.server.process.send_signal(signal.SIGCONT)


def _kill_runner(place: Place) -> None:
    place.runner.is_held = True
    place.runner.kill()


def _start_runner(place: Place) -> None:
    place.runner.buried()
    place.runner.is_held = False
    place.runner.start()


def _replace_runner(place: Place) -> None:
    place.runner.replace()
    _start_runner(place)


def _kill_host(place: Place) -> None:
    for runner in place.site.crew:
        runner.is_held = True
    for process in place.site.processes():
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _start_host(place: Place) -> None:
    for runner in place.site.crew:
        runner.buried()
        runner.is_held = False
    _start_server(place)
    place.site.tend()


def _sleep(place: Place) -> None:
    for process in place.site.processes():
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()


def _wake(place: Place) -> None:
    for process in reversed(place.site.processes()):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()


def agents_of(tag: str) -> Iterator[psutil.Process]:
    """The processes in whose command line this mark stands, the youngest first."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if any(tag in word for word in process.cmdline()):
                found.append(process)
    yield from sorted(found, key=lambda process: process.pid, reverse=True)


def _kill_agent(place: Place) -> None:
    for process in agents_of(place.tag):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
        return


def _fill(disk: Callable[[Place], object]) -> Strike:
    return lambda place: disk(place).fill()  # type: ignore[attr-defined]


def _make_room(place: Place) -> None:
    place.site.disk.make_room()
    place.runner.disk.make_room()


_LOCKS: dict[Site, ExitStack] = {}


def _lock_database(place: Place) -> None:
    lock: AbstractContextManager[None] = place.site.lock_database()
    stack = ExitStack()
    stack.enter_context(lock)
    _LOCKS[place.site] = stack


def _unlock_database(place: Place) -> None:
    _LOCKS.pop(place.site).close()


def _start_read_only(place: Place) -> None:
    """A server that may not write says so and does not start; then it may."""
    site = place.site
    site.end_server()
    site.disk.allow_writing(False)
    try:
        said = refusal(site)
    finally:
        site.disk.allow_writing(True)
    assert said.startswith("Error: "), said
    assert "Traceback" not in said
    site.server.start()


def refusal(site: Site) -> str:
    """What ``lazyaf serve`` says when it does not start here."""
    done = subprocess.run(
        [sys.executable, "-m", "lazyaf", "serve", "--pool", "none", "--port", "0"],
        env=site.server.environ(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0, "It serves although it cannot write."
    return done.stderr.strip()


def _cut(place: Place) -> None:
    place.runner.wire.cut()
    place.site.desk.cut()


def _silence(place: Place) -> None:
    place.runner.wire.silence()
    place.site.desk.silence()


def _mend_wires(place: Place) -> None:
    for wire in place.site.wires:
        wire.mend()


def _turn_clock(seconds: int) -> Strike:
    return lambda place: place.site.clock.set(seconds)


_DISK: Final = frozenset({"agent_failed", "setup_failed", "push_rejected"})

BLOWS: Final = (
    Blow("server killed", _kill_server, _start_server, _SHORT),
    Blow("server stopped", _stop_server, _restart_server, (0.0, 0.0)),
    Blow("server frozen", _freeze_server, _thaw_server, _BOTH),
    Blow("runner killed", _kill_runner, _start_runner, _SHORT, WITH_RUNNER, spends=True),
    Blow("runner lost with its disk", _kill_runner, _replace_runner, _SHORT, WITH_RUNNER, spends=True),
    Blow("runner frozen", lambda p: p.runner.signal(signal.SIGSTOP),
         lambda p: p.runner.signal(signal.SIGCONT), _BOTH, WITH_RUNNER, spends=True),
    Blow("host killed", _kill_host, _start_host, _SHORT),
    Blow("host asleep", _sleep, _wake, _BOTH),
    Blow("agent killed", _kill_agent, _nothing, (0.0, 0.0), WITH_AGENT,
         fails=frozenset({"agent_failed"})),
    Blow("server's disk full", _fill(lambda p: p.site.disk), _make_room, _SHORT,
         fails=frozenset({"setup_failed", "push_rejected"})),
    Blow("runner's disk full", _fill(lambda p: p.runner.disk), _make_room, _SHORT, WITH_RUNNER,
         spends=True, fails=_DISK),
    Blow("database locked", _lock_database, _unlock_database, (0.1, 7.0)),
    Blow("database read-only", _kill_server, _start_read_only, (0.0, 0.1)),
    Blow("network cut", _cut, _mend_wires, _BOTH, WITH_CALL, spends=True),
    Blow("network silent", _silence, _mend_wires, _BOTH, WITH_CALL, spends=True),
    Blow("clock an hour on", _turn_clock(HOUR), _turn_clock(0), _SEEN),
    Blow("clock an hour back", _turn_clock(-HOUR), _turn_clock(0), _SEEN),
    Blow("answer lost", _nothing, _nothing, (0.0, 0.0), WITH_CALL, loses_exchange=True,
         stages=(Stage.ANSWERED,)),
    Blow("request lost", _nothing, _nothing, (0.0, 0.0), WITH_CALL - {Moment.CLAIMING},
         loses_exchange=True, stages=(Stage.ASKED,)),
)  # fmt: skip
