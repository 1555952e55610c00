"""A backup and what is restored from it, on both databases: the same server, or a clear refusal."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import threading
import time

import pytest
from sqlalchemy import create_engine, inspect, text

from factories.care import Care
from factories.moments import FrozenClock
from factories.scene import Scene, make_context
from lazyaf.domain.errors import Conflict, GitFailed, Invalid, NotFound, Unavailable
from lazyaf.domain.events import PERSON
from lazyaf.git import pause
from lazyaf.services.backup import MANIFEST, Manifest
from lazyaf.services.repositories import delete_repo
from lazyaf.services.restore import require_restorable
from lazyaf.services.upkeep import Upkeep
from lazyaf.store.database import SqlDatabase
from lazyaf.store.settings import get_setting, put_setting
from support.files import mode
from support.history import git

pytestmark = pytest.mark.timeout(300)


async def test_the_restored_server_has_everything_under_another_epoch(
    care: Care, clock: FrozenClock
) -> None:
    scene = care.scene
    repo_id = await scene.repo("shop")
    card, head = await scene.in_review(repo_id)
    await scene.db.write(put_setting, "epoch", "the first life")
    manifest = await care.back_up()
    assert (manifest.repositories, manifest.missing) == ([repo_id], [])
    await scene.card(repo_id, "Made after the backup")

    folder, url = care.place()
    await care.restore(folder, url)
    db = SqlDatabase(url, clock)
    db.start()
    try:
        other = Scene(db, folder / "git", clock)
        other.ctx = make_context(db, folder / "git", clock, scene.new_id)
        assert (await other.card_row(card)).head_sha == head
        assert await other.tip(repo_id, (await other.card_row(card)).branch_name or "") == head
        cards = await other.shown(card)
        assert cards["status"] == "in_review"
        assert await db.read(get_setting, "epoch") is None, "the next start makes a new one"
        with pytest.raises(NotFound):
            await other.card_row(scene.new_id())
    finally:
        await asyncio.to_thread(db.close)
    names = {str(path.relative_to(folder)) for path in folder.iterdir()} - {"lazyaf.db"}
    assert names == {"git", "runners", "secret", "token"}


async def test_nobody_else_can_read_either(care: Care) -> None:
    await care.scene.repo()
    await care.back_up()
    folder, url = care.place()
    await care.restore(folder, url)
    for root in (care.target, folder):
        assert {mode(root / name) for name in ("secret", "token", "runners/token")} == {0o600}
        assert (root / "runners" / "token").read_text() == "the runners/token\n"
        assert mode(root / "git") == 0o700
        databases = [*root.glob("lazyaf.*")]
        assert {mode(path) for path in databases} <= {0o600}
    assert mode(care.target) == 0o700
    assert mode(care.target / MANIFEST) == 0o600


async def test_a_commit_that_the_database_names_and_git_lacks_is_a_damaged_backup(
    care: Care,
) -> None:
    repo_id = await care.scene.repo("shop")
    card, head = await care.scene.in_review(repo_id)
    await care.back_up()
    row = await care.scene.card_row(card)
    repository = care.target / "git" / f"{repo_id}.git"
    for ref in git(repository, "for-each-ref", "--format=%(refname)").splitlines():
        if ref != "refs/heads/main":
            git(repository, "update-ref", "-d", ref)
    git(repository, "prune", "--expire=now")

    folder, url = care.place()
    with pytest.raises(GitFailed, match="names commits that its git storage lacks") as damaged:
        await care.restore(folder, url)
    assert f"the head of card #{row.number}, {head[:12]}" in damaged.value.detail
    assert list(folder.iterdir()) == [], "nothing is left of it"
    if url.get_backend_name() == "postgresql":
        engine = create_engine(url)
        assert inspect(engine).get_table_names() == []
        engine.dispose()


async def test_what_was_not_in_git_any_more_when_it_was_made_is_told_and_restored(
    care: Care,
) -> None:
    """A person rewrote a branch long ago: no reason to be without a backup, or a restore."""
    card, _ = await care.scene.in_review(await care.scene.repo())
    gone = "0123456789abcdef0123456789abcdef01234567"
    await care.scene.db.write(_set_merged, card, gone)
    manifest = await care.back_up()
    assert manifest.missing == [gone]
    assert care.told == [f"the merge of card #1, {gone[:12]}, is not in git any more."]
    folder, url = care.place()
    await care.restore(folder, url)
    assert f"{gone[:12]}, was not in git any more when the backup was made" in care.told[-1]


def _set_merged(tx: object, card_id: str, sha: str) -> None:
    tx.execute(  # type: ignore[attr-defined]
        text("UPDATE cards SET merged_sha = :sha WHERE id = :id"), {"sha": sha, "id": card_id}
    )


async def test_everything_that_work_goes_on_from_is_looked_for(care: Care) -> None:
    """A checkpoint of a running job is named, and so in the backup."""
    scene = care.scene
    _, job = await scene.working(await scene.repo())
    head = await scene.work(job, {"a": "1\n"})
    save = scene.commit(job.repo.id, {"b": "2\n"}, [head], "Checkpoint")
    await scene.set_ref(job.repo.id, f"{job.push_prefix}checkpoint", save)
    await scene.db.write(_set_checkpoint, job.job_id, head, save)
    await care.back_up()
    repository = care.target / "git" / f"{job.repo.id}.git"
    assert git(repository, "cat-file", "-t", save) == "commit"
    git(repository, "update-ref", "-d", f"{job.push_prefix}checkpoint")
    git(repository, "prune", "--expire=now")
    folder, url = care.place()
    with pytest.raises(GitFailed, match="the checkpoint of card #1"):
        await care.restore(folder, url)


def _set_checkpoint(tx: object, job_id: str, head: str, save: str) -> None:
    tx.execute(  # type: ignore[attr-defined]
        text("UPDATE jobs SET head_sha = :head, checkpoint_sha = :save WHERE id = :id"),
        {"head": head, "save": save, "id": job_id},
    )


async def test_a_backup_without_its_manifest_is_none(care: Care) -> None:
    await care.back_up()
    (care.target / MANIFEST).unlink()
    with pytest.raises(NotFound, match="is no complete backup"):
        Manifest.load(care.target)
    (care.target / MANIFEST).write_text("{")
    with pytest.raises(Invalid, match="damaged"):
        Manifest.load(care.target)


async def test_a_newer_program_s_backup_is_refused(care: Care) -> None:
    await care.back_up()
    path = care.target / MANIFEST
    told = json.loads(path.read_text())
    path.write_text(json.dumps({**told, "format": 99}))
    with pytest.raises(Invalid, match=r"made by LazyAF 1\.2\.3"):
        Manifest.load(care.target)
    path.write_text(json.dumps({**told, "revision": "9999"}))
    with pytest.raises(Invalid, match="a newer one made it"):
        require_restorable(Manifest.load(care.target), into_file=told["database"] == "sqlite")


async def test_a_backup_that_fails_leaves_the_target_as_it_was(care: Care) -> None:
    repo_id = await care.scene.repo()
    path = care.scene.ctx.git.path(repo_id)
    (path / "refs" / "heads" / "broken").write_text("nonsense\n")
    with pytest.raises(GitFailed, match="could not be copied whole"):
        await care.back_up()
    assert not care.target.exists()
    care.target.mkdir()
    with pytest.raises(GitFailed):
        await care.back_up()
    assert list(care.target.iterdir()) == []
    (path / "refs" / "heads" / "broken").unlink()
    await care.back_up()


async def test_nothing_is_overwritten(care: Care) -> None:
    care.target.mkdir()
    (care.target / "mine").touch()
    with pytest.raises(Conflict, match="is not empty"):
        await care.back_up()
    with pytest.raises(Conflict, match="inside of what is to be copied"):
        await care.back_up(care.root / "git" / "backup")
    (care.target / "mine").unlink()
    await care.back_up()
    folder, url = care.place()
    (folder / "lost+found").mkdir()  # every new disk of ext4 has one
    (folder / "mine").touch()
    with pytest.raises(Conflict, match=r"is not empty \(mine\).*mv .*\.old"):
        await care.restore(folder, url)
    (folder / "mine").unlink()
    await care.restore(folder, url)
    assert (folder / "lost+found").is_dir()


async def test_an_interrupted_restore_is_begun_anew(care: Care) -> None:
    repo_id = await care.scene.repo()
    await care.back_up()
    folder, url = care.place()
    (folder / ".restoring").mkdir()
    (folder / ".restoring" / "half").touch()
    (folder / "git").mkdir()
    (folder / "git" / "half").touch()
    await care.restore(folder, url)
    assert care.told[-1] == "An earlier restore was interrupted. Beginning anew."
    assert [path.name for path in (folder / "git").iterdir()] == [f"{repo_id}.git"]
    assert not (folder / ".restoring").exists()


async def test_what_root_restores_belongs_to_the_owner_of_the_directory(care: Care) -> None:
    await care.scene.repo()
    await care.back_up()
    folder, url = care.place()
    if os.geteuid() == 0:
        os.chown(folder, 65534, 65534)
    await care.restore(folder, url)
    owners = {path.stat().st_uid for path in (folder, *folder.rglob("*"))}
    assert owners == {folder.stat().st_uid}


async def test_meanwhile_no_repository_is_deleted_or_tidied(care: Care) -> None:
    scene = care.scene
    repo_id = await scene.repo()
    later = time.time() + 3600.0  # when it is idle
    upkeep = Upkeep(scene.ctx, 1, wall=lambda: later)
    graphs = scene.ctx.git.path(repo_id) / "objects" / "info" / "commit-graphs"
    with pause.copying(scene.ctx.git.root, lambda: None):
        with pytest.raises(Conflict) as refused:
            await delete_repo(scene.ctx, repo_id, PERSON)
        assert refused.value.code == "backup_running"
        await upkeep.look_after_all()
        assert not graphs.exists()
    assert (await scene.repo_row(repo_id)).is_deleting is False
    await upkeep.look_after_all()
    assert graphs.exists()
    await delete_repo(scene.ctx, repo_id, PERSON)


async def test_a_backup_waits_until_a_deletion_is_over(care: Care) -> None:
    kept, gone = await care.scene.repo("kept"), await care.scene.repo("gone")
    told = threading.Event()
    with care.scene.ctx.git.removing() as may_remove:
        assert may_remove
        making = asyncio.ensure_future(care.back_up(tell=lambda _: told.set()))
        await asyncio.to_thread(told.wait, 30)
        assert told.is_set()
        shutil.rmtree(care.scene.ctx.git.path(gone))
    assert (await making).repositories == [kept]


async def test_the_database_may_be_left_to_others_where_it_is_elsewhere(
    care: Care, dialect: str
) -> None:
    repo_id = await care.scene.repo()
    if dialect == "sqlite":
        with pytest.raises(Invalid, match="only be copied together"):
            await care.back_up(with_database=False)
        return
    manifest = await care.back_up(with_database=False)
    assert (manifest.database, manifest.repositories) == ("elsewhere", [repo_id])
    assert not (care.target / "lazyaf.pgdump").exists()
    folder, url = care.place()
    with pytest.raises(Invalid, match="Restore that one first"):
        await care.restore(folder, url)
    await care.restore(folder, care.url)  # as if it had been restored from a dump
    assert (folder / "git" / f"{repo_id}.git").is_dir()


async def test_a_database_in_use_is_not_filled(care: Care, dialect: str) -> None:
    await care.back_up()
    folder, _ = care.place()
    if dialect == "postgresql":
        with pytest.raises(Conflict, match="is not empty, and a restore overwrites nothing"):
            await care.restore(folder, care.url)
        assert list(folder.iterdir()) == []


async def test_a_backup_goes_only_into_a_database_of_its_kind(care: Care, dialect: str) -> None:
    manifest = await care.back_up()
    with pytest.raises(Invalid, match="Unset it" if dialect == "sqlite" else "createdb"):
        require_restorable(manifest, into_file=dialect != "sqlite")


async def test_a_damaged_database_is_told(care: Care, dialect: str) -> None:
    await care.scene.repo()
    await care.back_up()
    copied = care.target / ("lazyaf.db" if dialect == "sqlite" else "lazyaf.pgdump")
    with copied.open("r+b") as file:
        file.seek(4096 if dialect == "sqlite" else 0)
        file.write(b"\xff" * 4096)
    folder, url = care.place()
    with pytest.raises(Unavailable):
        await care.restore(folder, url)
    assert list(folder.iterdir()) == []


async def test_without_postgresqls_programs_the_way_out_is_told(
    care: Care, dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if dialect == "postgresql":
        programs = care.root / "bin"
        programs.mkdir()
        (programs / "git").symlink_to(shutil.which("git") or "")
        monkeypatch.setenv("PATH", str(programs))
        with pytest.raises(Unavailable, match=r"`pg_dump` is not installed.*--without-database"):
            await care.back_up()
