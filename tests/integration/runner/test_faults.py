"""A runner whose server, lease, answers or own process go away in the middle."""

from __future__ import annotations

import asyncio
import shutil
import signal
import time
from pathlib import Path

from factories.runner_rig import Rig, lines_of, start_runner, until
from fakes.runner_state import REPO, Failure
from lazyaf.domain.jobs import StopReason
from lazyaf.git import command
from lazyaf.protocol.messages import Limits
from lazyaf.runner import processes
from lazyaf.runner.cache import Cache
from lazyaf.runner.client import ServerAbsent

COUNTING = "for i in $(seq 1 {0}); do echo line $i; done; echo done > result.txt"
WAITING = "echo ready; until test -e go; do sleep 0.02; done; rm go; "


async def test_a_server_that_is_away_for_a_while_gets_every_entry_once_in_order(rig: Rig) -> None:
    job = rig.job(WAITING + COUNTING.format(3000))
    async with rig.working(job) as (ledger, _):
        await rig.server.until(lambda: "ready" in ledger.texts("stdout"))
        await rig.server.stop()
        (rig.tree / "go").touch()
        outbox = rig.root / "state" / "outbox" / f"{job.job_id}-1.jsonl"
        await until(lambda: b"line 3000" in outbox.read_bytes())
        await rig.server.start()

    assert lines_of(ledger) == [f"line {n}" for n in range(1, 3001)]
    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED


async def test_lost_answers_store_and_claim_nothing_twice(rig: Rig) -> None:
    rig.server.failures += [
        Failure("/claim", 503, after=True),
        Failure("/log", 502, times=3, after=True),
        Failure("/finish", 500, after=True),
        Failure("/git-receive-pack", 502, after=True),
    ]
    ledger = await rig.work(rig.job(COUNTING.format(50)))

    assert lines_of(ledger) == [f"line {n}" for n in range(1, 51)]
    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED
    assert len(rig.server.claims) == 1


async def test_a_checkpoint_under_way_when_the_agent_ends_is_waited_for(rig: Rig) -> None:
    """Cut off, it would move the attempt's ref under the last push, which was then rejected."""
    answer = rig.server.held["/git-receive-pack"] = asyncio.Event()
    limits = Limits(checkpoint_s=0.05, cancel_grace_s=5)
    job = rig.job("echo two >> app.txt; " + WAITING + "echo three >> app.txt", limits=limits)
    async with rig.working(job) as (ledger, _):
        await rig.server.until(lambda: rig.server.was_asked("/git-receive-pack"))
        (rig.tree / "go").touch()
        await rig.server.until(lambda: "pushing" in ledger.phases)
        answer.set()

    assert ledger.finish is not None
    assert ledger.finish.error is None
    assert ledger.finish.stop_reason is StopReason.FINISHED


async def test_a_ref_that_moved_unseen_is_asked_for_again(rig: Rig) -> None:
    """As a push of this runner's former process may do, whose answer nobody has heard."""
    limits = Limits(checkpoint_s=0.05, cancel_grace_s=5)
    job = rig.job("echo two >> app.txt; " + WAITING, limits=limits)
    async with rig.working(job) as (ledger, _):
        await rig.server.until(lambda: rig.server.was_asked("/checkpoint"))
        moved = ["update-ref", f"{job.push_prefix}head", f"{job.push_prefix}checkpoint"]
        await rig.server.storage.git(REPO, moved)
        (rig.tree / "go").touch()

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED


async def test_a_runner_that_the_server_forgot_registers_again(rig: Rig) -> None:
    forgotten = {"code": "unknown_runner", "detail": "Register first."}
    rig.server.failures.append(Failure("/claim", 404, body=forgotten))
    ledger = await rig.work(rig.job("true"))

    assert ledger.finish is not None
    assert len(rig.server.registrations) == 2


async def test_a_fenced_attempt_leaves_its_work_as_an_orphan(rig: Rig) -> None:
    job = rig.job("echo two >> app.txt; " + WAITING)
    async with rig.working(job) as (ledger, _):
        await rig.server.until(lambda: "ready" in ledger.texts("stdout"))
        await rig.server.fence(ledger)

    assert ledger.finish is None
    orphan = await rig.server.ref(f"refs/lazyaf/jobs/{job.job_id}/orphan/1")
    assert await rig.server.show(f"{orphan}:app.txt") == "one\ntwo"


async def test_what_a_lost_attempt_left_does_not_keep_another_machine_from_pushing(
    rig: Rig,
) -> None:
    first = rig.job("echo two >> app.txt; " + WAITING)
    async with rig.working(first) as (lost, _):
        await rig.server.until(lambda: "ready" in lost.texts("stdout"))
        await rig.server.fence(lost)
    assert await rig.server.ref(f"refs/lazyaf/jobs/{first.job_id}/orphan/1") is not None

    rig.work_dir = rig.root / "elsewhere"
    second = rig.job("echo three >> app.txt", job_id=first.job_id, attempt=2)
    ledger = await rig.work(second)

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED
    assert await rig.server.show(f"{ledger.finish.head_sha}:app.txt") == "one\nthree"


async def test_a_server_that_stays_away_is_left_with_the_work_in_its_tree(rig: Rig) -> None:
    job = rig.job("echo two >> app.txt; " + WAITING)
    async with rig.working(job, grace_s=0.3, ends=ServerAbsent) as (ledger, _):
        await rig.server.until(lambda: "ready" in ledger.texts("stdout"))
        await rig.server.stop()

    assert (rig.tree / "app.txt").read_text() == "one\ntwo\n"
    await rig.server.start()
    (rig.tree / "go").touch()
    async with rig.loop() as loop:
        await loop.run()
    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED
    assert any("Taken up" in text for text in ledger.texts("system"))


async def test_leaving_saves_a_checkpoint_and_the_next_start_takes_the_tree_up(rig: Rig) -> None:
    job = rig.job("test -e new.txt && exit 0; echo new > new.txt; " + WAITING)
    async with rig.working(job) as (ledger, loop):
        await rig.server.until(lambda: "ready" in ledger.texts("stdout"))
        loop.leave()

    assert ledger.finish is None
    assert await rig.server.show(f"{ledger.checkpoints[-1].sha}:new.txt") == "new"
    async with rig.loop() as again:
        await again.run()
    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED
    assert await rig.server.show(f"{ledger.finish.head_sha}:new.txt") == "new"


async def test_a_setup_that_was_interrupted_is_run_again(rig: Rig) -> None:
    job = rig.job(
        "cat made.txt", setup="echo run >> made.txt; echo ready; test -e go || sleep 1000"
    )
    async with rig.working(job) as (ledger, loop):
        await rig.server.until(lambda: "ready" in ledger.texts("stdout"))
        loop.leave()
    (rig.tree / "go").touch()
    async with rig.loop() as again:
        await again.run()

    assert ledger.texts("stdout")[-2:] == ["run", "run"]


async def test_a_drained_runner_finishes_its_job_and_leaves(rig: Rig) -> None:
    async with rig.working(rig.job(WAITING), once=False) as (ledger, _):
        await rig.server.until(lambda: "ready" in ledger.texts("stdout"))
        await rig.server.command(ledger, "drain")
        (rig.tree / "go").touch()

    assert ledger.finish is not None


async def test_an_idle_runner_leaves_when_the_server_drains_it(rig: Rig) -> None:
    rig.server.heartbeat_s = 0.05
    rig.server.drain = True
    async with rig.loop(once=False) as loop, asyncio.timeout(20):
        await loop.run()


async def test_it_says_for_how_long_it_counts_as_connected(rig: Rig) -> None:
    """At once when it is registered, and later with every beat that was heard."""
    rig.server.heartbeat_s = 0.05
    said = rig.config().state_dir / "connected-until"
    async with rig.loop(once=False) as loop, asyncio.timeout(20):
        task = asyncio.ensure_future(loop.run())
        await until(said.exists)
        first = said.stat().st_mtime
        await until(lambda: said.stat().st_mtime > first)
        assert first < said.stat().st_mtime <= time.time() + 3 * rig.server.heartbeat_s
        loop.leave()
        await task


async def test_kill_9_of_the_runner_costs_nothing(rig: Rig) -> None:
    job = rig.job(
        "test -e half.txt && { echo again; exit 0; }; echo half > half.txt; " + WAITING,
        limits=Limits(checkpoint_s=3600),
    )
    ledger = await rig.server.queue(job)
    first = await start_runner(rig)
    await rig.server.until(lambda: "ready" in ledger.texts("stdout"))
    inside = processes.descendants(first.pid)
    first.kill()
    await first.wait()
    # bubblewrap dies with the runner, and the agent with it
    await until(lambda: not set(inside) & set(processes.parents()))

    second = await start_runner(rig)
    assert await second.wait() == 0
    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED
    assert await rig.server.show(f"{ledger.finish.head_sha}:half.txt") == "half"
    assert "again" in ledger.texts("stdout")
    assert len(rig.server.claims) == 1


async def test_another_attempt_on_the_same_machine_takes_the_tree_up(rig: Rig) -> None:
    first = rig.job("echo half > half.txt; " + WAITING)
    async with rig.working(first) as (ledger, loop):
        await rig.server.until(lambda: "ready" in ledger.texts("stdout"))
        loop.leave()
    await rig.server.fence(ledger)

    second = rig.job("cat half.txt", job_id=first.job_id, attempt=2)
    taken = await rig.work(second, state_dir=rig.root / "other")

    assert taken.texts("stdout") == ["half"]
    assert taken.finish is not None
    assert taken.finish.stop_reason is StopReason.FINISHED


async def test_sigterm_ends_the_process_within_its_grace(rig: Rig) -> None:
    ledger = await rig.server.queue(rig.job("echo two >> app.txt; " + WAITING))
    runner = await start_runner(rig)
    await rig.server.until(lambda: "ready" in ledger.texts("stdout"))
    runner.send_signal(signal.SIGTERM)

    assert await runner.wait() == 0
    assert (rig.tree / "app.txt").read_text() == "one\ntwo\n"
    assert ledger.checkpoints[-1].files == 1


async def test_a_corrupt_cache_is_replaced(rig: Rig) -> None:
    await rig.work(rig.job("true"))
    caches = rig.work_dir / "cache" / REPO
    await asyncio.to_thread(rot, caches / "0.git")
    ledger = await rig.work(rig.job("cat app.txt"))

    assert ledger.texts("stdout") == ["one"]
    assert await asyncio.to_thread(lambda: [p.name for p in caches.glob("*.git")]) == ["1.git"]
    await command.run(["--git-dir", str(caches / "1.git"), "fsck"])


async def brought_along(rig: Rig) -> Path:
    """A bare repository with what a runner has fetched, as a container has it mounted."""
    await rig.work(rig.job("true"))
    brought = rig.root / "brought.git"
    await asyncio.to_thread(shutil.copytree, rig.work_dir / "cache" / REPO / "0.git", brought)
    return brought


async def fetched(rig: Rig, borrow: Path) -> Cache:
    """A new cache that may borrow, with all that a job needs."""
    job = rig.job("true")
    await rig.server.queue(job)
    cache = Cache(rig.root / "new", REPO, rig.server.url + job.repo.clone_url, borrow=borrow)
    await cache.fetch(job)
    assert await cache.missing([job.base_sha]) == []
    return cache


def objects_in(repository: Path) -> list[str]:
    found = (repository / "objects").rglob("*")
    return [path.name for path in found if path.is_file() and path.name != "alternates"]


async def test_objects_that_were_brought_along_are_not_fetched(rig: Rig) -> None:
    cache = await fetched(rig, await brought_along(rig))
    assert await asyncio.to_thread(objects_in, cache.path) == []


async def test_objects_that_were_brought_along_and_are_corrupt_are_fetched(rig: Rig) -> None:
    brought = await brought_along(rig)
    await asyncio.to_thread(rot, brought)
    cache = await fetched(rig, brought)
    assert cache.path.name == "1.git"
    await command.run(["--git-dir", str(cache.path), "fsck"])


def rot(repository: Path) -> None:
    """Overwrite every object."""
    for found in (repository / "objects").rglob("*"):
        if found.is_file():
            found.chmod(0o600)
            found.write_bytes(b"rot")
