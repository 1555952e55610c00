"""Work trees that are checked out before their job comes."""

from __future__ import annotations

from pathlib import Path

from factories.runner_rig import Rig, commit, until
from fakes.runner_state import REPO
from lazyaf.git import command
from lazyaf.runner.spare import Spares


async def prepared(rig: Rig, commit_sha: str) -> Path:
    """The path of a spare tree at this commit, once it is whole. A job has filled the cache."""
    cache = rig.work_dir / "cache" / REPO / "0.git"
    spares = Spares(rig.config(once=False), rig.sandbox)
    spares.begin(cache, commit_sha)
    spare = rig.work_dir / "spares" / REPO / "0"
    await until(spare.exists)
    await spares.close()
    return spare


async def test_a_job_takes_the_spare_tree_and_git_writes_only_what_differs(
    rig: Rig, clone: Path
) -> None:
    await rig.work(rig.job("true"))
    spare = await prepared(rig, rig.base)
    kept, changed = ((spare / name).stat().st_mtime_ns for name in ("README.md", "app.txt"))
    base = await commit(clone, {"app.txt": "later\n", "new.txt": "new\n"})
    await command.run(["push", "-q", str(rig.server.storage.path(REPO)), "main"], cwd=clone)
    look = (
        "stat -c %.9Y README.md app.txt | tr -d .; cat app.txt new.txt; git status --porcelain; "
        "git branch --show-current; git for-each-ref --format='%(refname)'; git config user.name"
    )
    ledger = await rig.work(rig.job(look, base_sha=base))
    said = ledger.texts("stdout")
    assert said[0] == str(kept)
    assert said[1] != str(changed)
    assert said[2:] == [
        "later",
        "new",
        "lazyaf/1-demo",
        "refs/heads/lazyaf/1-demo",
        "refs/remotes/origin/main",
        "LazyAF",
    ]
    assert not spare.exists()


async def test_a_runner_prepares_the_next_tree_while_its_agent_works(rig: Rig) -> None:
    job = rig.job("while ! test -e go; do :; done; rm go")
    spare = rig.work_dir / "spares" / REPO / "0"
    async with rig.working(job, once=False) as (ledger, loop):
        await until(spare.exists)
        (rig.tree / "go").touch()
        await until(lambda: ledger.finish is not None)
        loop.leave()
    assert (spare / "app.txt").read_text() == "one\n"


async def test_a_runner_for_one_job_prepares_none(rig: Rig) -> None:
    await rig.work(rig.job("true"))
    assert not (rig.work_dir / "spares").exists()


async def test_a_spare_tree_of_a_cache_that_was_given_up_is_not_taken(
    rig: Rig, tmp_path: Path
) -> None:
    await rig.work(rig.job("true"))
    spare = await prepared(rig, rig.base)
    spares = Spares(rig.config(once=False), rig.sandbox)
    assert not spares.take(rig.work_dir / "cache" / REPO / "1.git", tmp_path / "taken")
    assert spares.take(rig.work_dir / "cache" / REPO / "0.git", tmp_path / "taken")
    assert not spares.take(rig.work_dir / "cache" / REPO / "0.git", tmp_path / "again")
    assert not spare.exists()


async def test_one_that_was_half_made_is_begun_anew(rig: Rig) -> None:
    await rig.work(rig.job("true"))
    half = rig.work_dir / "spares" / REPO / "making" / "app.txt"
    half.parent.mkdir(parents=True)
    half.write_text("half")
    spare = await prepared(rig, rig.base)
    assert (spare / "app.txt").read_text() == "one\n"
    assert not half.exists()
