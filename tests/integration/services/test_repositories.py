"""A repository's settings, and deleting one."""

from __future__ import annotations

import pytest

from factories.scene import BASE_FILES, Scene
from lazyaf.domain.errors import Conflict, Invalid, VersionConflict
from lazyaf.domain.events import PERSON


async def test_the_file_of_the_default_branch_wins_and_a_wrong_one_is_shown(scene: Scene) -> None:
    from lazyaf.services.edit_repo import edit_repo
    from lazyaf.services.repositories import show_repo

    repo = await scene.repo(files={**BASE_FILES, ".lazyaf/config.toml": 'agent = "script"\n'})
    await edit_repo(scene.ctx, repo, {"settings": {"agent": "claude"}}, if_match=None, actor=PERSON)
    shown = await scene.db.read(show_repo, repo)
    assert (shown["settings"]["agent"], shown["settings_from_file"]) == ("script", ["agent"])
    await scene.push(repo, "side", {".lazyaf/config.toml": 'agent = "other"\n'})
    assert (await scene.db.read(show_repo, repo))["settings"]["agent"] == "script"
    await scene.push(repo, "main", {".lazyaf/config.toml": "agent = ["})
    shown = await scene.db.read(show_repo, repo)
    assert "TOML" in shown["config_error"]
    assert shown["settings"]["agent"] == "claude"
    await scene.push(repo, "main", {".lazyaf/config.toml": "x = " + "[" * 5000})
    assert "TOML" in (await scene.db.read(show_repo, repo))["config_error"]


async def test_a_repository_with_an_open_job_is_not_deleted(scene: Scene) -> None:
    from lazyaf.services.repositories import delete_repo

    repo = await scene.repo()
    _, job = await scene.working(repo)
    with pytest.raises(Conflict) as refused:
        await delete_repo(scene.ctx, repo, PERSON)
    assert refused.value.code == "repo_busy"
    await scene.finish(job)
    await delete_repo(scene.ctx, repo, PERSON)
    assert not scene.ctx.git.exists(repo)


async def test_an_edit_that_is_refused_leaves_head_where_it_was(scene: Scene) -> None:
    from lazyaf.services.edit_repo import edit_repo

    repo = await scene.repo()
    await scene.repo("taken")
    await scene.push(repo, "next", {"a": "b"})

    async def head() -> str:
        return (await scene.ctx.git.git(repo, ["symbolic-ref", "HEAD"])).text

    move = {"default_branch": "next"}
    with pytest.raises(VersionConflict):
        await edit_repo(scene.ctx, repo, move, if_match=99, actor=PERSON)
    with pytest.raises(Conflict):
        await edit_repo(scene.ctx, repo, {**move, "name": "taken"}, if_match=None, actor=PERSON)
    with pytest.raises(Invalid):
        await edit_repo(scene.ctx, repo, {"default_branch": "nowhere"}, if_match=None, actor=PERSON)
    assert await head() == "refs/heads/main"
    await edit_repo(scene.ctx, repo, move, if_match=None, actor=PERSON)
    assert await head() == "refs/heads/next"
