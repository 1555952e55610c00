"""Trees that runners have left: those whose work the server has go, all others stay (rules R1, R10)."""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path

import pytest

from factories.runner_rig import Rig, commit
from fakes.runner_state import REPO, Failure
from lazyaf.domain.leftovers import Leftover, LeftoverKind
from lazyaf.git import command
from lazyaf.protocol.messages import Job, Limits
from lazyaf.runner.client import ServerClient
from lazyaf.runner.filelock import try_lock
from lazyaf.runner.marker import Marker
from lazyaf.runner.retention import Retention
from lazyaf.runner.tidying import EVERY_S, tidy
from lazyaf.runner.workdir import WorkDir
from support.waiting import until

HALF = (
    "echo mine > mine.txt; git add .; git commit -qm mine; echo half > half.txt; echo ready; "
    "until test -e go; do sleep 0.02; done"
)


async def left(rig: Rig, command_line: str = HALF) -> Job:
    """A job whose runner has saved its work, left, and never came back."""
    job = rig.job(command_line, limits=Limits(checkpoint_s=0.1))
    async with rig.working(job) as (ledger, loop):
        await rig.server.until(lambda: "ready" in ledger.texts("stdout"))
        await rig.server.until(lambda: any(c.files >= 2 for c in ledger.checkpoints))
        last = ledger.checkpoints[-1]
        await asyncio.to_thread(until, lambda: recorded(rig) == (last.head_sha, last.sha), "noted")
        loop.leave()
    return job


def recorded(rig: Rig) -> tuple[str, str | None] | None:
    """What the runner has noted that the server has."""
    marker = Marker.load(rig.tree.parent / "job.json")
    return None if marker is None else marker.recorded


async def sweep(rig: Rig, *, dry_run: bool = False) -> list[Leftover]:
    retention = Retention(
        WorkDir(rig.work_dir), rig.sandbox, rig.server.about_leftovers, time.time(), dry_run
    )
    found = await retention.sweep()
    return [each for each in found if each.kind is LeftoverKind.WORK_TREE]


async def require_stays(rig: Rig, why: str, root: Path | None = None) -> None:
    """It stays for this reason, and nothing of it is touched."""
    root = root or rig.tree.parent
    files = sorted(path for path in (root / "work").rglob("*") if ".git" not in path.parts)
    (found,) = await sweep(rig)
    assert found.stays
    assert why in found.why
    assert found.place == str(root)
    assert found.bytes > 0
    after = sorted(path for path in (root / "work").rglob("*") if ".git" not in path.parts)
    assert after == files


async def require_goes(rig: Rig, root: Path | None = None) -> None:
    root = root or rig.tree.parent
    (dry,) = await sweep(rig, dry_run=True)
    assert root.is_dir()
    (found,) = await sweep(rig)
    assert not found.stays
    assert (dry.kind, dry.place, dry.why) == (found.kind, found.place, found.why)
    assert not root.exists()
    assert not list(WorkDir(rig.work_dir).trash.iterdir())


async def git(rig: Rig, *args: str) -> str:
    """What a person, or an agent that was still alive, does in the tree."""
    done = await command.run(args, cwd=rig.tree)
    return done.text


async def test_a_tree_goes_when_the_server_has_its_commits_and_its_checkpoint(rig: Rig) -> None:
    await left(rig)
    await require_goes(rig)


async def test_one_that_was_changed_after_the_checkpoint_stays(rig: Rig) -> None:
    await left(rig)
    (rig.tree / "half.txt").write_text("whole\n")
    await require_stays(rig, "It holds work that the server has not.")


async def test_a_commit_that_was_never_pushed_stays(rig: Rig) -> None:
    await left(rig)
    await commit(rig.tree, {"half.txt": "half\n"}, "never pushed")
    await require_stays(rig, "It holds work that the server has not.")


async def test_what_is_only_committed_goes_once_some_ref_has_it(rig: Rig) -> None:
    await left(rig)
    await commit(rig.tree, {}, "nothing uncommitted")
    await require_stays(rig, "It holds work that the server has not.")
    await git(rig, "push", "-q", str(rig.server.storage.path(REPO)), "HEAD:refs/heads/rescued")
    await require_goes(rig)


@pytest.mark.parametrize("how", [("stash", "-u"), ("checkout", "-qb", "aside")])
async def test_a_stash_or_a_branch_of_the_agent_s_own_stays(rig: Rig, how: tuple[str, ...]) -> None:
    await left(rig)
    await git(rig, "-c", "user.name=a", "-c", "user.email=a@b", *how)
    await commit(rig.tree, {"aside.txt": "1\n"}, "aside")
    await git(rig, "checkout", "-q", "lazyaf/1-demo")
    await git(rig, "reset", "-q", "--hard")
    await git(rig, "clean", "-qfd")
    await require_stays(rig, "It holds work that the server has not.")


async def test_a_checkpoint_that_the_server_let_go_of_stays(rig: Rig) -> None:
    job = await left(rig)
    await rig.server.storage.git(
        REPO, ["update-ref", "-d", f"refs/lazyaf/jobs/{job.job_id}/1/checkpoint"]
    )
    await require_stays(rig, "It holds work that the server has not.")


async def test_ignored_files_are_no_work(rig: Rig) -> None:
    await left(rig, f"echo '*.log' > .gitignore; echo x > build.log; {HALF}")
    (rig.tree / "more.log").write_text("x\n")
    await require_goes(rig)


async def test_what_the_walker_cannot_save_stays(rig: Rig) -> None:
    await left(rig)
    (rig.tree / "git~1").write_text("a name that git refuses\n")
    await require_stays(rig, "git refuses their names: git~1")


async def test_a_repository_that_the_agent_destroyed_stays(rig: Rig) -> None:
    await left(rig)
    shutil.rmtree(rig.tree / ".git")
    await require_stays(rig, "It holds work that the server has not.")


async def test_one_whose_cache_is_gone_stays(rig: Rig) -> None:
    await left(rig)
    shutil.rmtree(rig.work_dir / "cache")
    await require_stays(rig, "It cannot be looked at")


async def test_one_without_a_note_stays(rig: Rig) -> None:
    await left(rig)
    (rig.tree.parent / "job.json").unlink()
    await require_stays(rig, "Nothing tells whose work it is.")


async def test_a_half_made_one_goes(rig: Rig) -> None:
    await left(rig)
    note = rig.tree.parent / "job.json"
    marker = Marker.load(note)
    assert marker is not None
    marker.model_copy(update={"is_made": False}).save(note)
    await require_goes(rig)


async def test_refused_work_stays_until_somebody_has_brought_it_to_the_server(rig: Rig) -> None:
    rig.server.push_limit = 1000
    job = rig.job("head -c 100000 /dev/urandom > big.bin")
    await rig.work(job)
    root = rig.work_dir / "trees" / f"card-1.kept-{job.job_id}"
    await require_stays(rig, "It holds work that the server has not.", root)
    url = str(rig.server.storage.path(REPO))
    await command.run(["push", "-q", url, "HEAD:refs/heads/rescued"], cwd=root / "work")
    await require_goes(rig, root)


async def test_of_a_card_at_work_nothing_is_looked_at(rig: Rig) -> None:
    await left(rig)
    rig.server.at_work = {"card-1"}
    assert await sweep(rig) == []
    rig.server.at_work = set()
    with try_lock(rig.work_dir / "trees" / "card-1.lock") as taken:
        assert taken
        assert await sweep(rig) == []
    assert rig.tree.is_dir()


async def test_a_hostile_tree_runs_nothing_outside_of_the_sandbox(rig: Rig, tmp_path: Path) -> None:
    """R1: the repository's own configuration runs code; here it can only run where it cannot write."""
    await left(rig)
    evil = rig.tree / ".git" / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {tmp_path}/owned\n")
    evil.chmod(0o755)
    await git(rig, "config", "core.fsmonitor", str(evil))
    await sweep(rig)
    assert not (tmp_path / "owned").exists()


async def test_the_tree_of_an_earlier_job_is_kept_when_the_next_one_comes(rig: Rig) -> None:
    first = await left(rig)
    (rig.tree / "later.txt").write_text("never saved\n")
    second = await rig.work(rig.job("ls"), state_dir=rig.root / "other")
    assert "later.txt" not in second.texts("stdout")
    kept = rig.work_dir / "trees" / f"card-1.kept-{first.job_id}"
    assert (kept / "work" / "later.txt").read_text() == "never saved\n"
    await require_stays(rig, "It holds work that the server has not.", kept)


async def test_two_kept_trees_of_one_job_do_not_replace_each_other(rig: Rig) -> None:
    first = await left(rig)
    for number in (2, 3):
        (rig.tree / "later.txt").write_text(f"{number}\n")
        await rig.work(rig.job("ls"), state_dir=rig.root / f"other{number}")
        shutil.copytree(
            rig.work_dir / "trees" / f"card-1.kept-{first.job_id}", rig.tree.parent, symlinks=True
        )
    found = sorted((rig.work_dir / "trees").glob("card-1.kept-*/work/later.txt"))
    assert [path.read_text() for path in found] == ["2\n", "3\n"]
    assert {path.parents[1].name for path in found} == {
        f"card-1.kept-{first.job_id}",
        f"card-1.kept-{first.job_id}.2",
    }


async def test_a_runner_tidies_up_once_a_day_one_for_all(rig: Rig) -> None:
    await left(rig)
    config, now = rig.config(once=False), time.time()
    async with ServerClient(config) as client:
        with try_lock(rig.work_dir / "tidy.lock"):
            assert not await tidy(config, client, rig.sandbox, now)
        assert rig.tree.exists()
        assert await tidy(config, client, rig.sandbox, now)
        assert not rig.tree.exists()
        assert not await tidy(config, client, rig.sandbox, now + EVERY_S - 1)
        assert await tidy(config, client, rig.sandbox, now + EVERY_S + 1)


async def test_by_an_older_server_only_time_counts(rig: Rig) -> None:
    await left(rig)
    rig.server.deleted = {"card-1"}
    rig.server.failures.append(Failure("/leftovers", 404, times=100))
    config = rig.config(once=False)
    async with ServerClient(config) as client:
        assert await tidy(config, client, rig.sandbox, time.time())
    assert rig.tree.exists()
    assert (rig.work_dir / "homes" / "card-1").exists()
