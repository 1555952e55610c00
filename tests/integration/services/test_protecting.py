"""Protected branches: no job's work goes to one, and nothing in a file takes protection away."""

from __future__ import annotations

from typing import Any

import pytest

from factories.scene import Scene
from lazyaf.domain.errors import Conflict, Invalid
from lazyaf.domain.events import PERSON
from lazyaf.services.edit_repo import edit_repo
from lazyaf.services.protect_branches import approve_only


async def edit(scene: Scene, repo: str, **changes: Any) -> dict[str, Any]:
    return await edit_repo(scene.ctx, repo, changes, if_match=None, actor=PERSON)


async def test_only_approve_covers_the_default_branch_and_the_patterns(scene: Scene) -> None:
    repo = await scene.repo()
    await edit(scene, repo, settings={"protected_branches": ["release/*"]})
    assert await scene.db.read(approve_only, repo) == ()
    shown = await edit(scene, repo, settings={"only_approve": True})
    assert await scene.db.read(approve_only, repo) == ("main", "release/*")
    assert shown["settings"]["only_approve"] is True


async def test_an_empty_repository_can_be_filled(scene: Scene) -> None:
    repo = await scene.empty_repo()
    await edit(scene, repo, settings={"only_approve": True})
    assert await scene.db.read(approve_only, repo) == ()
    await scene.push(repo, "main", {"a": "1"}, parents=[])
    assert await scene.db.read(approve_only, repo) == ("main",)


async def test_a_file_adds_protection_and_takes_none_away(scene: Scene) -> None:
    repo = await scene.repo()
    await edit(scene, repo, settings={"protected_branches": ["release/*"], "only_approve": True})
    text = '[branches]\nprotected = ["stable"]\nonly_approve = false\n'
    await scene.push(repo, "main", {".lazyaf/config.toml": text})
    assert await scene.db.read(approve_only, repo) == ("main", "release/*", "stable")
    await edit(scene, repo, settings={"only_approve": False, "protected_branches": []})
    assert await scene.db.read(approve_only, repo) == ()
    text = "[branches]\nonly_approve = true\n"
    await scene.push(repo, "main", {".lazyaf/config.toml": text})
    assert await scene.db.read(approve_only, repo) == ("main",)


async def test_a_card_whose_branch_would_be_protected_does_not_start(scene: Scene) -> None:
    repo = await scene.repo()
    await edit(scene, repo, settings={"protected_branches": ["lazyaf/*"]})
    card = await scene.card(repo)
    with pytest.raises(Conflict) as refused:
        await scene.start(card)
    assert refused.value.code == "branch_protected"
    assert (await scene.card_row(card)).status == "todo"


async def test_a_branch_that_a_job_works_on_cannot_become_protected(scene: Scene) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    branch = (await scene.card_row(card)).branch_name or ""
    await scene.set_ref(repo, f"refs/heads/{branch}", job.base_sha)
    for changes in ({"default_branch": branch}, {"settings": {"protected_branches": ["lazyaf/*"]}}):
        with pytest.raises(Conflict) as refused:
            await edit(scene, repo, **changes)
        assert refused.value.code == "branch_protected"
    assert (await scene.repo_row(repo)).default_branch == "main"


@pytest.mark.parametrize("wrong", [["refs/heads/main"], [""], ["-x"], ["a b"], ["a"] * 51])
async def test_a_pattern_must_be_able_to_name_a_branch(scene: Scene, wrong: list[str]) -> None:
    repo = await scene.repo()
    with pytest.raises(Invalid) as refused:
        await edit(scene, repo, settings={"protected_branches": wrong})
    assert "protected_branches" in refused.value.extra["fields"]
