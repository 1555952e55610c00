"""A runner whose disk takes nothing more, while the agent works or at its end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import resource
from collections.abc import AsyncIterator, Iterable

import pytest

from factories.runner_rig import Rig, lines_of, start_runner
from lazyaf.domain.jobs import StopReason
from lazyaf.git import command
from lazyaf.protocol.entries import Entry
from lazyaf.protocol.messages import Limits
from lazyaf.runner import room
from lazyaf.runner.outbox import Outbox

pytestmark = pytest.mark.bubblewrap
SPEAKING = (
    "n=0; until test -e go; do n=$((n+1)); echo line $n; sleep 0.01; done; "
    "rm go; echo done > result.txt"
)


class Full:
    """What the kernel does to a process whose disk is full: no file of its grows."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def begin(self) -> None:
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    def end(self) -> None:
        everything = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, everything)


@contextlib.asynccontextmanager
async def runner(rig: Rig) -> AsyncIterator[tuple[asyncio.subprocess.Process, Full]]:
    """A runner in a process of its own."""
    process = await start_runner(rig)
    try:
        yield process, Full(process.pid)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_disk_that_is_full_for_a_while_costs_nothing(rig: Rig) -> None:
    job = rig.job(SPEAKING, limits=Limits(checkpoint_s=0.2, cancel_grace_s=5))
    ledger = await rig.server.queue(job)
    async with runner(rig) as (process, disk), asyncio.timeout(60):
        await rig.server.until(lambda: "line 5" in ledger.texts("stdout"))
        disk.begin()
        heard = len(lines_of(ledger))
        await rig.server.until(lambda: len(lines_of(ledger)) > heard + 50)
        await rig.server.command(ledger, "message", "are you there?")
        await rig.server.until(lambda: "are you there?" in ledger.texts("user"))
        disk.end()
        (rig.tree / "go").touch()
        assert await process.wait() == 0

    assert lines_of(ledger) == [f"line {n}" for n in range(1, len(lines_of(ledger)) + 1)]
    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED
    assert await rig.server.show(f"{ledger.finish.head_sha}:result.txt") == "done"
    assert any("disk takes no more" in text for text in ledger.texts("system"))


async def test_what_cannot_be_saved_on_a_full_disk_is_kept(rig: Rig) -> None:
    job = rig.job(f"echo mine > mine.txt; git add .; git commit -qm 'My words'; {SPEAKING}")
    ledger = await rig.server.queue(job)
    async with runner(rig) as (process, disk), asyncio.timeout(60):
        await rig.server.until(lambda: "line 5" in ledger.texts("stdout"))
        disk.begin()
        (rig.tree / "go").touch()
        assert await process.wait() == 0

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.PUSH_REJECTED
    kept = rig.work_dir / "trees" / f"card-1.kept-{job.job_id}"
    assert f"It is kept on local-1, in {kept}." in str(ledger.finish.error)
    assert (kept / "work" / "result.txt").read_text() == "done\n"
    said = await command.run(["log", "-1", "--format=%s"], cwd=kept / "work")
    assert said.text == "My words"


async def test_an_agent_that_cannot_be_listened_to_is_ended_and_its_work_kept(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = Outbox.append

    def refuse(box: Outbox, entries: Iterable[Entry]) -> None:
        found = list(entries)
        if any(entry.text == "the last straw" for entry in found):
            raise OSError(errno.EIO, "Input/output error")
        append(box, found)

    monkeypatch.setattr(Outbox, "append", refuse)
    ledger = await rig.work(rig.job("echo two >> app.txt; echo the last straw; sleep 1000"))

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.AGENT_FAILED
    assert await rig.server.show(f"{ledger.finish.head_sha}:app.txt") == "one\ntwo"


async def test_a_log_that_cannot_be_sent_ends_the_runner_and_not_the_work(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = Outbox.batch

    def break_down(box: Outbox, most: int) -> tuple[int, list[Entry]]:
        first, entries = batch(box, most)
        if any(entry.text == "ready" for entry in entries):
            raise RuntimeError("nobody has thought of this")
        return first, entries

    monkeypatch.setattr(Outbox, "batch", break_down)
    job = rig.job("test -e half.txt && exit; echo half > half.txt; echo ready; sleep 1000")
    async with rig.working(job, ends=RuntimeError) as (ledger, _):
        pass
    assert ledger.finish is None

    monkeypatch.undo()
    async with rig.loop() as again, asyncio.timeout(60):
        await again.run()
    assert ledger.finish is not None
    assert await rig.server.show(f"{ledger.finish.head_sha}:half.txt") == "half"


async def test_a_runner_without_room_takes_no_job_and_says_why(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [99 * 10**6]
    monkeypatch.setattr(room, "free", lambda _folder: left[0])
    monkeypatch.setattr(room, "LOOK_S", 0.05)
    async with rig.working(rig.job("echo done > result.txt"), reserve=100 * 10**6) as (ledger, _):
        await rig.server.until(lambda: len(rig.server.registrations) > 1)
        script = next(a for a in rig.server.registrations[-1]["agents"] if a["name"] == "script")
        assert not script["available"]
        assert script["reason"].startswith("Only 99 MB are free on this runner's disk")
        assert not rig.server.claims
        left[0] = 100 * 10**6

    assert ledger.finish is not None
    last = next(a for a in rig.server.registrations[-1]["agents"] if a["name"] == "script")
    assert last.get("available", True), "it is left out when it is so"


async def test_a_job_under_way_is_taken_up_without_room(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = rig.job("test -e half.txt && exit; echo half > half.txt; echo ready; sleep 1000")
    async with rig.working(job) as (ledger, loop):
        await rig.server.until(lambda: "ready" in ledger.texts("stdout"))
        loop.leave()
    monkeypatch.setattr(room, "free", lambda _folder: 0)
    async with rig.loop(reserve=1) as again, asyncio.timeout(60):
        await again.run()

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED
