"""What people see of a repository: branches with their merge state, and a card's diff, also after it
was merged one way or the other."""

from __future__ import annotations

from typing import Any

import pytest

from factories.scene import Scene
from lazyaf.domain.events import PERSON
from lazyaf.domain.repo_settings import MergeMethod
from lazyaf.services.approve_card import approve_card
from lazyaf.services.inspect_repo import card_diff, list_branches


async def branches(scene: Scene, repo: str) -> dict[str, dict[str, Any]]:
    items, more = await list_branches(scene.ctx, repo, None, 100)
    assert more is None
    return {item["name"]: item for item in items}


def shape(view: dict[str, Any]) -> list[tuple[str, int, int]]:
    return [(f["path"], f["additions"], f["deletions"]) for f in view["files"]]


async def two_commits(scene: Scene, repo: str) -> tuple[str, str]:
    """A card in review whose branch has two commits; the base has moved on since."""
    card, job = await scene.working(repo)
    first = await scene.work(job, {"one.txt": "1\n"})
    head = await scene.work(job, {"two.txt": "2\n"}, parents=[first])
    await scene.push(repo, "main", {"other.txt": "x\n"})
    await scene.finish(job, head_sha=head)
    return card, head


@pytest.mark.parametrize("method", list(MergeMethod))
async def test_a_merged_card_shows_what_it_brought_and_its_branch_is_merged(
    scene: Scene, method: MergeMethod
) -> None:
    repo = await scene.repo()
    card, head = await two_commits(scene, repo)
    before = await card_diff(scene.ctx, card)
    assert shape(before) == [("one.txt", 1, 0), ("two.txt", 1, 0)]
    branch = before["head_ref"]
    facts = (await branches(scene, repo))[branch]
    assert (facts["is_merged"], facts["mergeable"], facts["ahead"], facts["behind"]) == (
        False, True, 2, 1)  # fmt: skip
    await approve_card(scene.ctx, card, head, PERSON, method)
    await scene.push(repo, "main", {"one.txt": "changed by another since\n"})
    after = await card_diff(scene.ctx, card)
    assert shape(after) == shape(before)
    assert (after["base_sha"], after["head_sha"]) == (before["base_sha"], head)
    facts = (await branches(scene, repo))[branch]
    assert (facts["is_merged"], facts["mergeable"], facts["sha"]) == (True, None, head)
    # What comes onto the branch afterwards is not merged.
    await scene.push(repo, branch, {"late.txt": "1\n"})
    assert not (await branches(scene, repo))[branch]["is_merged"]


async def test_a_branch_that_conflicts_says_so_and_its_card_names_the_paths(scene: Scene) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    head = await scene.work(job, {"app.py": "print('ours')\n", "new.txt": "ours\n"})
    await scene.finish(job, head_sha=head)
    await scene.push(repo, "main", {"app.py": "print('theirs')\n", "new.txt": "theirs\n"})
    view = await card_diff(scene.ctx, card)
    assert (view["mergeable"], view["conflicts"]) == (False, ["app.py", "new.txt"])
    listed = await branches(scene, repo)
    assert listed[view["head_ref"]]["mergeable"] is False
    assert listed["main"]["mergeable"] is None


async def test_branches_come_in_pages_with_their_last_commit(scene: Scene) -> None:
    repo = await scene.repo()
    for name in ("a", "b", "c"):
        await scene.push(
            repo, name, {f"{name}.txt": "1\n"}, parents=[await scene.tip(repo, "main")]
        )
    found: list[str] = []
    after: str | None = None
    while True:
        items, after = await list_branches(scene.ctx, repo, after, 2)
        found += [item["name"] for item in items]
        assert all(item["subject"] == "change" and item["author"] == "Someone" for item in items)
        if after is None:
            break
    assert found == ["a", "b", "c", "main"]


async def test_a_large_change_comes_by_pages_with_its_whole_size(scene: Scene) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    head = await scene.work(job, {f"f/{n:04}": f"{n}\n" for n in range(1_100)})
    await scene.finish(job, head_sha=head)
    first = await card_diff(scene.ctx, card)
    rest = await card_diff(scene.ctx, card, skip=first["next_cursor"])
    assert [len(page["files"]) for page in (first, rest)] == [1_000, 100]
    assert {page["total_files"] for page in (first, rest)} == {1_100}
    assert {page["additions"] for page in (first, rest)} == {1_100}
    assert rest["next_cursor"] is None
    alone = await card_diff(scene.ctx, card, "f/1099")
    assert shape(alone) == [("f/1099", 1, 0)]
    assert alone["total_files"] == 1_100
