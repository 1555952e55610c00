"""Bare repositories: made, pointed, deleted and swept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lazyaf.domain.errors import Conflict, Invalid, NotFound, Unavailable
from lazyaf.git import refs
from lazyaf.git.storage import Storage

OTHER = "01900000-0000-7000-8000-000000000002"


@pytest.mark.parametrize(
    "wrong", ["", "..", "-x", "../../etc", OTHER.upper()[:-1] + "A", OTHER + "\n", f"{OTHER}/x"]
)
async def test_an_id_that_is_no_uuid_is_not_found(storage: Storage, wrong: str) -> None:
    with pytest.raises(NotFound):
        storage.path(wrong)


async def test_a_new_repository_is_bare_empty_and_without_templates(storage, repo_id) -> None:
    path = storage.path(repo_id)
    assert (path / "HEAD").read_text() == "ref: refs/heads/main\n"
    assert not (path / "hooks").exists()
    assert list((storage.root / ".tmp").iterdir()) == []
    with pytest.raises(Conflict):
        await storage.create(repo_id, "main")


@pytest.mark.parametrize("name", ["", "-x", "a b", "a..b", "@{-1}", "x.lock", "a\nb", "a\0b"])
async def test_a_branch_needs_a_name_that_git_takes(storage, repo_id, name: str) -> None:
    with pytest.raises(Invalid):
        await storage.create(OTHER, name)
    with pytest.raises(Invalid):
        await storage.set_head(repo_id, name)
    assert not storage.exists(OTHER)


async def test_head_follows_the_default_branch(storage, repo_id, work) -> None:
    head = await work.commit({"a": "0"})
    await work.git("push", "-q", "store", "main:trunk")
    assert await refs.resolve(storage, repo_id, "HEAD") is None
    await storage.set_head(repo_id, "trunk")
    assert await refs.resolve(storage, repo_id, "HEAD") == head


async def test_deleting_removes_it_and_may_be_repeated(storage, repo_id) -> None:
    await storage.delete(repo_id)
    await storage.delete(repo_id)
    assert not storage.exists(repo_id)
    assert list((storage.root / ".trash").iterdir()) == []
    with pytest.raises(NotFound):
        await storage.set_head(repo_id, "main")
    with pytest.raises(NotFound):
        async with storage.exclusive(repo_id):
            pass


async def test_a_sweep_removes_what_a_killed_server_left_and_nothing_else(
    storage, repo_id, work
) -> None:
    head = await work.commit({"a": "0"})
    await work.git("push", "-q", "store", "main")
    path = storage.path(repo_id)
    await storage.git(repo_id, ["repack", "-adq"])
    before = {p for p in path.rglob("*") if p.is_file()}

    left = [
        path / "HEAD.lock",
        path / "packed-refs.lock",
        path / "refs" / "heads" / "main.lock",
        path / "objects" / "tmp_objdir-incoming-AbC123" / "pack" / "tmp_pack_x",
        path / "objects" / "pack" / "tmp_pack_y",
        path / "objects" / "pack" / ".tmp-1-pack-z.pack",
        path / "objects" / "info" / "commit-graphs" / "commit-graph-chain.lock",
        storage.root / ".trash" / "grave" / "x.git" / "HEAD",
        storage.root / ".tmp" / "abandoned" / "fresh.git" / "HEAD",
    ]
    for leftover in left:
        leftover.parent.mkdir(parents=True, exist_ok=True)
        leftover.write_text("")
    again = Storage(storage.root)
    assert await again.sweep() == len(left)
    assert not any(leftover.exists() for leftover in left)
    assert {p for p in path.rglob("*") if p.is_file()} == before
    assert await refs.resolve(again, repo_id, "main") == head
    assert await again.sweep() == 0


async def test_a_path_relative_to_nowhere_is_made_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    storage = Storage(Path("here"))
    monkeypatch.chdir("/")
    await storage.create(OTHER, "main")
    assert (tmp_path / "here" / f"{OTHER}.git").is_dir()


def test_a_disk_that_executes_nothing_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(Unavailable, match="noexec"):
        Storage(tmp_path / "here")


def test_only_its_owner_enters(tmp_path: Path) -> None:
    assert Storage(tmp_path / "here").root.stat().st_mode & 0o777 == 0o700
