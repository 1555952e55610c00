"""Pushing to a protected branch with the real git client, which shows the reason."""

from __future__ import annotations

import asyncio
from pathlib import Path

from lazyaf.git import command
from support.app import Served
from support.history import commit_files, git, make_repository


async def push(served: Served, folder: Path, repo: str, *args: str) -> command.Completed:
    url = f"{served.url}/git/{repo}.git"
    env = command.child_env(command.auth_env(url, "lazyaf", served.token))
    return await command.run(["push", url, *args], cwd=folder, env=env, check=False)


async def test_people_push_until_only_approve_may(served: Served, tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "work", commits=2, files={"a": "1\n"})
    made = await served.person.post("/api/repos", json={"name": "shop"})
    repo = made.json()["id"]
    path = f"/api/repos/{repo}"
    settings = {"protected_branches": ["release/*"], "only_approve": True}
    changed = await served.person.patch(path, json={"settings": settings})
    assert changed.json()["settings"]["protected_branches"] == ["release/*"]

    first = await push(served, folder, repo, "main")
    assert first.returncode == 0, first.stderr
    await asyncio.to_thread(commit_files, folder, {"a": "2\n"}, "more")
    for refspec in ("main", "+main~2:main", ":main", "main:release/1"):
        refused = await push(served, folder, repo, refspec)
        assert refused.returncode == 1
        name = refspec.rpartition(":")[2]
        assert f"(protected branch {name}: approve the card instead)" in refused.stderr
    other = await push(served, folder, repo, "main:topic")
    assert other.returncode == 0, other.stderr

    await served.person.patch(path, json={"settings": {"only_approve": False}})
    allowed = await push(served, folder, repo, "main", "main:release/1")
    assert allowed.returncode == 0, allowed.stderr
    bare = served.house.ctx.git.path(repo)
    assert (
        git(bare, "rev-parse", "main", "release/1").split()
        == [git(folder, "rev-parse", "main")] * 2
    )
