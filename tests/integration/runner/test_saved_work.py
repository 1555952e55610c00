"""The agent's work reaches the server whatever state it leaves its repository in, at the end and before it."""

from __future__ import annotations

from factories.runner_rig import Rig
from fakes.runner_state import REPO
from lazyaf.domain.jobs import StopReason
from lazyaf.protocol.messages import Limits


async def test_what_a_checkpoint_has_brought_is_not_sent_again(rig: Rig) -> None:
    job = rig.job(
        "head -c 1000000 /dev/urandom > new.bin; until test -e go; do sleep 0.05; done; rm go",
        limits=Limits(checkpoint_s=0.1, cancel_grace_s=5),
    )
    async with rig.working(job) as (ledger, _):
        await rig.server.until(lambda: any(each.sha for each in ledger.checkpoints))
        (rig.tree / "go").touch()

    assert ledger.finish is not None
    assert await rig.server.show(f"{ledger.finish.head_sha}:new.bin")
    assert [size for size in rig.server.pushes if size > 1_000_000] == [max(rig.server.pushes)]


async def test_a_rebase_left_unfinished_is_kept_as_a_checkpoint(rig: Rig) -> None:
    script = """
    echo mine > app.txt; git commit -qam mine
    git checkout -q -b other HEAD~1; echo other > app.txt; git commit -qam other
    git checkout -q lazyaf/1-demo; git rebase other; echo after > new.txt; true
    """
    ledger = await rig.work(rig.job(script))

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.AGENT_FAILED
    assert "rebase unfinished" in (ledger.finish.error or "")
    assert await rig.server.show(f"{ledger.finish.head_sha}:app.txt") == "mine"
    assert ledger.checkpoints[-1].sha is not None
    assert await rig.server.show(f"{ledger.checkpoints[-1].sha}:new.txt") == "after"


async def test_the_files_of_a_repository_inside_are_kept_beside_the_commit(rig: Rig) -> None:
    script = """
    git init -q inside; cd inside; echo i > i.txt; git add -A
    git -c user.name=a -c user.email=a@b commit -q -m i; echo l > l.txt
    """
    ledger = await rig.work(rig.job(script))

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED
    assert any("inside is committed as a link only" in text for text in ledger.texts("system"))
    saved = ledger.checkpoints[-1].sha
    assert await rig.server.show(f"{saved}:inside/i.txt") == "i"
    assert await rig.server.show(f"{saved}:inside/l.txt") == "l"


async def test_a_destroyed_repository_still_gives_its_files(rig: Rig) -> None:
    ledger = await rig.work(rig.job("echo two >> app.txt; rm -rf .git"))

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED
    assert await rig.server.show(f"{ledger.finish.head_sha}:app.txt") == "one\ntwo"
    assert any("broke the repository" in text for text in ledger.texts("system"))


async def test_a_broken_index_costs_no_commit(rig: Rig) -> None:
    script = (
        "echo two >> app.txt; git commit -qam 'My words'; echo no index > .git/index; echo 3 > c"
    )
    ledger = await rig.work(rig.job(script))

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED
    assert await rig.server.show(f"{ledger.finish.head_sha}:c") == "3"
    said = await rig.server.storage.git(
        REPO, ["log", "--format=%s", f"{rig.base}..{ledger.finish.head_sha}"]
    )
    assert said.text.splitlines() == ["Demo card", "My words"]


async def test_a_refused_push_keeps_the_work_on_the_runner(rig: Rig) -> None:
    rig.server.push_limit = 1000
    job = rig.job("head -c 100000 /dev/urandom > big.bin")
    ledger = await rig.work(job)

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.PUSH_REJECTED
    assert ledger.finish.head_sha is None
    kept = rig.work_dir / "trees" / f"card-1.kept-{job.job_id}" / "work" / "big.bin"
    assert kept.stat().st_size == 100_000


async def test_a_checkpoint_saves_what_is_not_committed(rig: Rig) -> None:
    job = rig.job(
        "echo two >> app.txt; echo new > new.txt; until test -e stop; do sleep 0.05; done; rm stop",
        limits=Limits(checkpoint_s=0.1),
    )
    async with rig.working(job) as (ledger, _):
        await rig.server.until(lambda: any(c.files == 2 for c in ledger.checkpoints))
        saved = next(c for c in ledger.checkpoints if c.files == 2)
        assert saved.head_sha == rig.base
        assert (saved.additions, saved.deletions) == (2, 0)
        assert await rig.server.show(f"{saved.sha}:new.txt") == "new"
        (rig.tree / "stop").touch()
