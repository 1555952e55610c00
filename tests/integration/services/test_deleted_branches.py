"""A branch that goes with the merge: when, at once with it, and back again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from factories.scene import ZERO, Scene
from lazyaf.domain.cards import CardCommand
from lazyaf.domain.errors import BranchMoved, Conflict
from lazyaf.domain.events import PERSON
from lazyaf.domain.repo_settings import MergeMethod
from lazyaf.git import refs
from lazyaf.git.refs import RefUpdate
from lazyaf.services import carry_out_merge as merging
from lazyaf.services.after_push import branches_pushed
from lazyaf.services.approve_card import approve_card
from lazyaf.services.decide_card import reopen_card
from lazyaf.services.edit_repo import edit_repo
from lazyaf.services.inspect_repo import card_diff
from lazyaf.services.recover import recover
from lazyaf.services.restore_branch import restore_branch
from lazyaf.store.intents import IntentRow


async def ready(scene: Scene, **settings: Any) -> tuple[str, str, str, str]:
    """A repository that deletes branches, a card in review, its head, and its branch."""
    repo = await scene.repo()
    changes = {"settings": {"delete_branch": True, **settings}}
    await edit_repo(scene.ctx, repo, changes, if_match=None, actor=PERSON)
    card, head = await scene.in_review(repo, {"new.txt": "1\n"})
    return repo, card, head, (await scene.card_row(card)).branch_name or ""


async def pruned(scene: Scene, repo: str) -> None:
    """What no ref reaches is gone."""
    async with scene.ctx.git.shared(repo):
        await scene.ctx.git.git(repo, ["prune", "--expire=now"])


@pytest.mark.parametrize("method", list(MergeMethod))
async def test_it_goes_with_the_merge_and_its_last_commit_is_kept(
    scene: Scene, method: MergeMethod
) -> None:
    repo, card, head, branch = await ready(scene)
    done = await approve_card(scene.ctx, card, head, PERSON, method)
    assert (done["status"], done["branch_deleted"]) == ("done", True)
    assert await scene.tip(repo, branch) is None
    assert await scene.ref(repo, "refs/lazyaf/archive/1/1") == head
    shown = await card_diff(scene.ctx, card)
    assert ([f["path"] for f in shown["files"]], shown["head_sha"]) == (["new.txt"], head)


async def test_it_stays_where_nobody_wants_it_gone_and_is_kept_all_the_same(scene: Scene) -> None:
    repo, card, head, branch = await ready(scene, delete_branch=False)
    done = await approve_card(scene.ctx, card, head, PERSON)
    assert done["branch_deleted"] is False
    assert await scene.tip(repo, branch) == head
    assert await scene.ref(repo, "refs/lazyaf/archive/1/1") == head


async def test_a_branch_that_is_protected_or_the_base_of_another_card_stays(scene: Scene) -> None:
    repo, card, head, branch = await ready(scene)
    await scene.card(repo, base_branch=branch)
    assert (await approve_card(scene.ctx, card, head, PERSON))["branch_deleted"] is False
    assert await scene.tip(repo, branch) == head
    other, other_head = await scene.in_review(repo)
    protected = {"settings": {"protected_branches": ["lazyaf/*"]}}
    await edit_repo(scene.ctx, repo, protected, if_match=None, actor=PERSON)
    assert (await approve_card(scene.ctx, other, other_head, PERSON))["branch_deleted"] is False


async def test_a_push_that_comes_first_keeps_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo, card, head, branch = await ready(scene)
    real, pushed = merging._effect, []

    async def push_first(*args: Any) -> None:
        pushed.append(scene.commit(repo, {"more.txt": "1\n"}, [head]))
        await scene.set_ref(repo, f"refs/heads/{branch}", pushed[0])
        await real(*args)

    monkeypatch.setattr(merging, "_effect", push_first)
    base = await scene.tip(repo, "main")
    with pytest.raises(BranchMoved):
        await approve_card(scene.ctx, card, head, PERSON)
    assert await scene.tip(repo, branch) == pushed[0]
    assert await scene.tip(repo, "main") == base


async def test_it_is_restored_also_after_pruning(scene: Scene) -> None:
    repo, card, head, branch = await ready(scene)
    await approve_card(scene.ctx, card, head, PERSON, MergeMethod.SQUASH)
    await pruned(scene, repo)
    back = await restore_branch(scene.ctx, card, PERSON)
    assert (back["status"], back["branch_deleted"]) == ("done", False)
    assert await scene.tip(repo, branch) == head
    with pytest.raises(Conflict) as refused:
        await restore_branch(scene.ctx, card, PERSON)
    assert refused.value.code == "branch_not_deleted"


async def test_a_card_that_is_reopened_goes_on_where_it_was(scene: Scene) -> None:
    repo, card, head, branch = await ready(scene)
    await approve_card(scene.ctx, card, head, PERSON, MergeMethod.SQUASH)
    back = await reopen_card(scene.ctx, card, PERSON)
    assert (back["status"], back["branch_deleted"]) == ("todo", False)
    assert await scene.tip(repo, branch) == head
    await scene.start(card, CardCommand.START)
    job = await scene.claimed(await scene.runner())
    assert job.branch_sha == head
    newer = await scene.work(job, {"newer.txt": "1\n"})
    await scene.finish(job, head_sha=newer)
    again = await approve_card(scene.ctx, card, newer, PERSON)
    assert again["branch_deleted"] is True
    assert await scene.ref(repo, "refs/lazyaf/archive/1/2") == newer


async def test_who_pushes_to_a_deleted_branch_makes_it_anew(scene: Scene) -> None:
    repo, card, head, branch = await ready(scene)
    await approve_card(scene.ctx, card, head, PERSON)
    newer = await scene.push(repo, branch, {"more.txt": "1\n"}, parents=[head])
    assert (await scene.shown(card))["branch_deleted"] is False
    await reopen_card(scene.ctx, card, PERSON)
    assert await scene.tip(repo, branch) == newer


async def test_a_branch_that_a_person_deletes_can_be_restored(scene: Scene) -> None:
    repo, card, head, branch = await ready(scene, delete_branch=False)
    await approve_card(scene.ctx, card, head, PERSON, MergeMethod.SQUASH)
    ref = f"refs/heads/{branch}"
    await refs.update(scene.ctx.git, repo, [RefUpdate(ref, None, head)])
    await branches_pushed(scene.ctx, repo, [(head, ZERO, ref)], PERSON)
    assert (await scene.shown(card))["branch_deleted"] is True
    await pruned(scene, repo)
    await restore_branch(scene.ctx, card, PERSON)
    assert await scene.tip(repo, branch) == head


class Crash(BaseException):
    """The end of the process, as far as a task can be told."""


@pytest.mark.parametrize("moment", ["before", "midway", "after"])
async def test_a_crash_leaves_it_whole_or_gone_with_the_merge(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    repo, card, head, branch = await ready(scene)
    real = merging._effect

    async def dies(ctx: Any, intents: Sequence[IntentRow]) -> None:
        if moment == "midway":  # git has moved the base, and no more
            await scene.set_ref(repo, intents[0].ref, intents[0].new_sha)
        elif moment == "after":
            await real(ctx, intents)
        raise Crash

    monkeypatch.setattr(merging, "_effect", dies)
    with pytest.raises(Crash):
        await approve_card(scene.ctx, card, head, PERSON, MergeMethod.SQUASH)
    await recover(scene.ctx)
    row = await scene.card_row(card)
    if moment == "before":
        assert (row.status, row.branch_deleted) == ("in_review", False)
        assert await scene.tip(repo, branch) == head
    else:
        assert (row.status, row.branch_deleted) == ("done", True)
        assert await scene.tip(repo, branch) is None
        assert await scene.ref(repo, "refs/lazyaf/archive/1/1") == head
