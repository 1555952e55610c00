"""Upkeep on real repositories: what it does, what it never loses, and what it survives."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from lazyaf.domain.errors import GitFailed
from lazyaf.git import command, maintenance
from lazyaf.git.condition import condition
from lazyaf.git.maintenance import KEEP_UNREACHABLE_S, maintain, prune, sweep
from lazyaf.git.storage import Storage

from .conftest import Served, Work

BULK = 300_000


async def fill(work: Work, pushes: int = 12) -> None:
    """Branches that came in one pack or some loose objects each, and many of them."""
    for number in range(pushes):
        noise = os.urandom(BULK) if number % 2 else b"x"
        await work.commit({f"file{number}": noise})
        await work.git(
            "-c", "transfer.unpackLimit=1", "push", "-q", "store", "HEAD:refs/heads/main"
        )
    branches = [f"HEAD:refs/heads/topic/{n}" for n in range(60)]
    await work.git("push", "-q", "store", *branches)


async def facts(path: Path) -> tuple[str, str]:
    """Every ref, and every object that they reach. Raises `GitFailed` when one is missing."""
    git = [f"--git-dir={path}"]
    await command.run([*git, "fsck", "--full", "--strict", "--connectivity-only"])
    refs = await command.run([*git, "show-ref"])
    objects = await command.run([*git, "rev-list", "--objects", "--all", "--no-object-names"])
    return refs.text, "\n".join(sorted(objects.text.splitlines()))


async def test_it_packs_everything_and_loses_nothing(
    storage: Storage, repo_id: str, work: Work
) -> None:
    await fill(work)
    path = storage.path(repo_id)
    before, found = await facts(path), condition(path)
    assert (found.packed, found.has_commit_graph) == (0, False)
    assert found.loose_refs > 60
    done = await maintain(storage, repo_id)
    after = condition(path)
    assert done.steps == ("pack-refs", "repack", "commit-graph")
    assert (after.packs, after.loose_objects, after.loose_refs) == (1, 0, 0)
    assert (after.packed > 6 * BULK, after.has_commit_graph) == (True, True)
    assert await facts(path) == before
    assert (await maintain(storage, repo_id)).steps == ()


async def test_many_small_packs_are_gathered_without_touching_the_large_one(
    storage: Storage, repo_id: str, work: Work
) -> None:
    await work.commit({f"many/{n}": f"{n}\n" for n in range(300)})
    await fill(work)
    await maintain(storage, repo_id)
    path = storage.path(repo_id)
    (large,) = (p for p in (path / "objects" / "pack").glob("*.bitmap"))
    for number in range(12):
        await work.commit({"small": f"{number}"})
        await work.git(
            "push", "-q", "--receive-pack=git -c receive.unpackLimit=1 receive-pack",
            "store", "HEAD:refs/heads/main",
        )  # fmt: skip
    before = await facts(path)
    assert condition(path).packs == 13
    assert "gather" in (await maintain(storage, repo_id)).steps
    assert condition(path).packs < 4
    assert large.exists()
    assert await facts(path) == before


async def test_what_nobody_points_at_goes_after_two_weeks_and_not_before(
    storage: Storage, repo_id: str, work: Work
) -> None:
    await fill(work)
    path, now = storage.path(repo_id), time.time()
    dropped = await work.commit({"dropped": "work\n"})
    await work.git("push", "-q", "store", "HEAD:refs/heads/dropped")
    await work.git("push", "-q", "store", ":refs/heads/dropped")
    before = await facts(path)

    async def is_there() -> bool:
        done = await command.run([f"--git-dir={path}", "cat-file", "-e", dropped], ok=(0, 1, 128))
        return done.returncode == 0

    await maintain(storage, repo_id, now=now)
    assert condition(path).oldest_cruft is not None
    assert "prune" not in (await maintain(storage, repo_id, now=now)).steps
    assert await is_there()
    later = now + KEEP_UNREACHABLE_S + 60
    assert "prune" in (await maintain(storage, repo_id, now=later)).steps
    assert not await is_there()
    assert await facts(path) == before


async def test_nothing_is_pruned_beside_a_reader(
    storage: Storage, repo_id: str, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(work, pushes=2)
    monkeypatch.setattr(maintenance, "ALONE_WAIT_S", 0.05)
    leftover = storage.path(repo_id) / "objects" / "tmp_objdir-incoming-X"
    leftover.mkdir()
    async with storage.shared(repo_id):
        assert not await prune(storage, repo_id, time.time() + 10 * KEEP_UNREACHABLE_S)
        assert await sweep(storage, repo_id) == 0
        assert leftover.exists()
    assert await sweep(storage, repo_id) == 1
    assert not leftover.exists()


def helpers() -> list[psutil.Process]:
    return [p for p in psutil.Process().children(recursive=True) if p.name().startswith("git")]


async def half_packed(path: Path) -> None:
    """Return as soon as a repack has begun to write."""
    pack = path / "objects" / "pack"
    async with asyncio.timeout(20):
        while not [*pack.glob(".tmp-*"), *pack.glob("tmp_*")]:  # noqa: ASYNC110 - git tells nobody
            await asyncio.sleep(0)


async def test_a_repack_that_is_killed_leaves_everything_as_it_was(
    storage: Storage, repo_id: str, work: Work
) -> None:
    await work.commit({f"bulk{n}": os.urandom(1_000_000) for n in range(12)})
    await work.git("push", "-q", "store", "HEAD:refs/heads/main")
    await fill(work, pushes=2)
    path = storage.path(repo_id)
    before = await facts(path)
    running = asyncio.create_task(maintain(storage, repo_id))
    await half_packed(path)
    for child in helpers():
        child.send_signal(signal.SIGKILL)
    with pytest.raises(GitFailed):
        await running
    assert await facts(path) == before
    done = await maintain(storage, repo_id)
    assert done.swept > 0
    assert await facts(path) == before
    assert condition(path).packs == 1


async def test_one_that_is_cancelled_leaves_no_child_and_no_lock(
    storage: Storage, repo_id: str, work: Work
) -> None:
    await work.commit({f"bulk{n}": os.urandom(1_000_000) for n in range(12)})
    await work.git("push", "-q", "store", "HEAD:refs/heads/main")
    path = storage.path(repo_id)
    before = await facts(path)
    running = asyncio.create_task(maintain(storage, repo_id))
    await half_packed(path)
    assert {child.nice() for child in helpers()} == {maintenance.NICE}
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert helpers() == []
    assert [*path.rglob("*.lock")] == []
    assert await facts(path) == before


async def test_clones_and_pushes_go_on_beside_it(
    storage: Storage, repo_id: str, work: Work, served: Served, tmp_path: Path
) -> None:
    await fill(work)
    tip = await work.head()
    over = asyncio.Event()

    async def tidy() -> int:
        rounds = 0
        while not over.is_set():
            for step in ("pack-refs", "repack", "gather", "commit-graph"):
                await maintenance._git(storage.path(repo_id), maintenance.STEPS[step])
            await maintain(storage, repo_id, now=time.time())
            rounds += 1
        return rounds

    async def use(number: int) -> str:
        mine = Work(tmp_path / f"clone{number}")
        await command.run(["clone", "-q", served.url, str(mine.folder)])
        for turn in range(3):
            await mine.commit({f"by-{number}": os.urandom(200 + turn)})
            await mine.git("push", "-q", "origin", f"HEAD:refs/heads/user/{number}")
            await mine.git("fetch", "-q", "origin")
        return await mine.head()

    tidying = asyncio.create_task(tidy())
    heads = await asyncio.gather(*(use(number) for number in range(4)))
    over.set()
    assert await tidying > 0
    refs, objects = await facts(storage.path(repo_id))
    assert f"{tip} refs/heads/main" in refs
    for number, head in enumerate(heads):
        assert f"{head} refs/heads/user/{number}" in refs
        assert head in objects
