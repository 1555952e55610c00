"""What approving makes of a card's commits: a merge, one commit, or each of them on the new base."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from factories.scene import Scene
from lazyaf.domain.errors import Conflict, MergeConflict
from lazyaf.domain.events import PERSON
from lazyaf.domain.repo_settings import MergeMethod
from lazyaf.git import log
from lazyaf.services import carry_out_merge as approving
from lazyaf.services.approve_card import approve_card
from lazyaf.services.edit_repo import edit_repo
from lazyaf.services.inspect_repo import card_diff, list_branches
from lazyaf.services.recover import recover
from lazyaf.store.intents import find_intent
from lazyaf.store.settings import put_setting
from lazyaf.store.tx import Tx

LINEAR = [MergeMethod.SQUASH, MergeMethod.REBASE]


async def setting(scene: Scene, repo: str, **settings: Any) -> None:
    await edit_repo(scene.ctx, repo, {"settings": settings}, if_match=None, actor=PERSON)


async def two_commits(scene: Scene) -> tuple[str, str, str]:
    """A repository whose base moved on, and a card in review with two commits: its id and head."""
    repo = await scene.repo()
    card, job = await scene.working(repo, title="Two steps")
    first = await scene.work(job, {"one.txt": "1\n"})
    head = await scene.work(job, {"two.txt": "2\n"}, [first])
    await scene.finish(job, head_sha=head)
    await scene.push(repo, "main", {"base.txt": "moved on\n"})
    return repo, card, head


async def approve_as(scene: Scene, name: str, email: str) -> None:
    def write(tx: Tx) -> None:
        put_setting(tx, "person", {"name": name, "email": email})

    await scene.db.write(write)


async def said(scene: Scene, repo: str, base: str, tip: str) -> list[str]:
    """Author, committer, number of parents and message of each commit, newest first."""
    async with scene.ctx.git.shared(repo):
        shown = await scene.ctx.git.git(
            repo, ["log", "-z", "--format=%an|%cn <%ce>|%P|%B", f"{base}..{tip}"]
        )
    return [one.strip() for one in shown.stdout.decode().split("\0") if one]


async def test_squashing_makes_one_commit_that_names_everyone(scene: Scene) -> None:
    repo, card, head = await two_commits(scene)
    await approve_as(scene, "Ann", "ann@example.test")
    await setting(scene, repo, merge_method="squash")
    base = await scene.tip(repo, "main")
    shown = await approve_card(scene.ctx, card, head, PERSON)
    tip = await scene.tip(repo, "main")
    assert base is not None
    assert (shown["status"], shown["merged_sha"]) == ("done", tip)
    assert await said(scene, repo, base, str(tip)) == [
        f"Ann|Ann <ann@example.test>|{base}|Two steps (card #1)\n\n* change\n* change\n\n"
        f"Lazyaf-Card: {card}\nLazyaf-Agent: script\nCo-authored-by: Someone <someone@localhost>"
    ]


async def test_rebasing_keeps_the_commits_and_their_authors(scene: Scene) -> None:
    repo, card, head = await two_commits(scene)
    await approve_as(scene, "Ann", "ann@example.test")
    base = await scene.tip(repo, "main")
    await approve_card(scene.ctx, card, head, PERSON, MergeMethod.REBASE)
    tip = await scene.tip(repo, "main")
    commits = (await log.commits(scene.ctx.git, repo, tip, None, 3)).items
    assert [c.sha for c in commits[:1]] == [tip]
    assert [list(c.parents) for c in commits[:2]] == [[commits[1].sha], [base]]
    assert base is not None
    assert [one.split("|")[:2] for one in await said(scene, repo, base, str(tip))] == [
        ["Someone", "Ann <ann@example.test>"]
    ] * 2


@pytest.mark.parametrize("method", MergeMethod)
async def test_a_done_card_shows_what_was_merged_and_its_branch_is_merged(
    scene: Scene, method: MergeMethod
) -> None:
    repo, card, head = await two_commits(scene)
    await approve_card(scene.ctx, card, head, PERSON, method)
    await scene.push(repo, "main", {"later.txt": "1\n"})
    found = await card_diff(scene.ctx, card, None)
    assert [file["path"] for file in found["files"]] == ["one.txt", "two.txt"]
    assert found["head_sha"] == head
    row = await scene.card_row(card)
    items, _ = await list_branches(scene.ctx, repo, None, 100)
    branch = next(item for item in items if item["name"] == row.branch_name)
    assert branch["is_merged"] is True


@pytest.mark.parametrize("method", LINEAR)
async def test_what_the_base_has_already_is_an_empty_commit(
    scene: Scene, method: MergeMethod
) -> None:
    repo, card, head = await two_commits(scene)
    base = await scene.push(repo, "main", {"one.txt": "1\n", "two.txt": "2\n"})
    await approve_card(scene.ctx, card, head, PERSON, method)
    tip = await scene.tip(repo, "main")
    said_once = await said(scene, repo, base, str(tip))
    assert len(said_once) == 1
    assert said_once[0].split("|")[2] == base


@pytest.mark.parametrize("method", LINEAR)
async def test_a_base_that_keeps_moving_is_merged_into_all_the_same(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, method: MergeMethod
) -> None:
    repo, card, head = await two_commits(scene)
    real, pushed = approving._effect, []

    async def pushed_first(*args: Any) -> None:
        if len(pushed) < 2:
            pushed.append(await scene.push(repo, "main", {f"push{len(pushed)}.txt": "1\n"}))
        await real(*args)

    monkeypatch.setattr(approving, "_effect", pushed_first)
    await approve_card(scene.ctx, card, head, PERSON, method)
    tip = await scene.tip(repo, "main")
    async with scene.ctx.git.shared(repo):
        listed = await scene.ctx.git.git(repo, ["ls-tree", "--name-only", str(tip)])
    assert {"one.txt", "two.txt", "push0.txt", "push1.txt"} <= set(listed.text.split())


@pytest.mark.parametrize("method", MergeMethod)
async def test_a_conflict_names_its_files(scene: Scene, method: MergeMethod) -> None:
    repo, card, head = await two_commits(scene)
    base = await scene.push(repo, "main", {"two.txt": "another\n"})
    with pytest.raises(MergeConflict) as refused:
        await approve_card(scene.ctx, card, head, PERSON, method)
    assert refused.value.extra == {"files": ["two.txt"]}
    assert (await scene.card_row(card)).status == "in_review"
    assert await scene.tip(repo, "main") == base


async def test_a_branch_that_cannot_be_replayed_can_still_be_squashed(scene: Scene) -> None:
    repo = await scene.repo(files={"a": "1\n"})
    card, job = await scene.working(repo)
    first = await scene.work(job, {"a": "2\n"})
    base = await scene.push(repo, "main", {"a": "3\n"})
    merge = scene.commit(repo, {"a": "both\n"}, [first, base])
    await scene.set_ref(repo, f"{job.push_prefix}head", merge)
    await scene.finish(job, head_sha=merge)
    with pytest.raises(Conflict, match="does not apply on its own") as refused:
        await approve_card(scene.ctx, card, merge, PERSON, MergeMethod.REBASE)
    assert (refused.value.code, refused.value.extra) == ("rebase_conflict", {"files": ["a"]})
    done = await approve_card(scene.ctx, card, merge, PERSON, MergeMethod.SQUASH)
    assert done["status"] == "done"


class Crash(BaseException):
    """The end of the process, as far as a task can be told."""


def crash_before(_real: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def run(*_: Any) -> None:
        raise Crash

    return run


def crash_after(real: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def run(*args: Any) -> None:
        await real(*args)
        raise Crash

    return run


@pytest.mark.parametrize("method", LINEAR)
@pytest.mark.parametrize("crash", [crash_before, crash_after])
async def test_a_crash_in_the_middle_is_done_or_undone_at_the_next_start(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, method: MergeMethod, crash: Any
) -> None:
    repo, card, head = await two_commits(scene)
    base = await scene.tip(repo, "main")
    monkeypatch.setattr(approving, "_effect", crash(approving._effect))
    with pytest.raises(Crash):
        await approve_card(scene.ctx, card, head, PERSON, method)
    monkeypatch.undo()
    intent = await scene.db.read(find_intent, card)
    assert intent is not None
    await recover(scene.ctx)
    row, tip = await scene.card_row(card), await scene.tip(repo, "main")
    happened = crash is crash_after
    assert (row.status, tip) == (("done", intent.new_sha) if happened else ("in_review", base))
    assert row.merged_sha == (intent.new_sha if happened else None)
    assert await scene.db.read(find_intent, card) is None
