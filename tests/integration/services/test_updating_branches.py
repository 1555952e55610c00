"""Bringing the base into a card's branch, and sending a conflict back to the agent."""

from __future__ import annotations

from typing import Any

import pytest

from factories.checked import Checked
from factories.scene import Scene
from lazyaf.domain.cards import CardCommand, UpdateMethod
from lazyaf.domain.errors import BranchMoved, Conflict, IllegalTransition, MergeConflict
from lazyaf.domain.events import PERSON
from lazyaf.git import refs
from lazyaf.services import move_head, update_branch
from lazyaf.services.approve_card import approve_card
from lazyaf.services.decide_card import reject_card
from lazyaf.services.recover import recover
from lazyaf.services.resolve_conflicts import resolve_conflicts
from lazyaf.services.start_card import RunRequest
from lazyaf.store.settings import put_setting

BOTH = list(UpdateMethod)


async def behind(scene: Scene, **files: str) -> tuple[str, str, str, str]:
    """A card in review whose base has moved on: repository, card, head, base."""
    repo = await scene.repo()
    card, job = await scene.working(repo)
    first = await scene.work(job, {"a": "1\n"})
    head = await scene.work(job, {"a": "2\n"}, parents=[first])
    await scene.finish(job, head_sha=head)
    base = await scene.push(repo, "main", files or {"b": "1\n"})
    return repo, card, head, base


async def update(scene: Scene, card: str, method: UpdateMethod = UpdateMethod.MERGE) -> Any:
    return await update_branch.update_branch(scene.ctx, card, method, PERSON)


async def branch_of(scene: Scene, card: str) -> str:
    return (await scene.card_row(card)).branch_name or ""


@pytest.mark.parametrize("method", BOTH)
async def test_a_clean_base_comes_in_and_the_old_head_cannot_be_approved(
    scene: Scene, method: UpdateMethod
) -> None:
    repo, card, head, base = await behind(scene)
    await scene.db.write(put_setting, "person", {"name": "Ada", "email": "ada@example.com"})
    assert (await scene.shown(card))["live"]["behind"] == 1

    shown = await update(scene, card, method)

    tip = await scene.tip(repo, await branch_of(scene, card))
    assert (shown["status"], shown["head_sha"]) == ("in_review", tip)
    live = shown["live"]
    assert (live["behind"], live["mergeable"], live["files"], live["additions"]) == (0, True, 1, 1)
    assert tip is not None
    assert await refs.is_ancestor(scene.ctx.git, repo, base, tip)
    said = await scene.ctx.git.git(repo, ["log", "-1", "--format=%cn %P", tip])
    log = await scene.ctx.git.git(repo, ["rev-list", "--count", f"{base}..{tip}"])
    if method is UpdateMethod.MERGE:
        assert (said.text, log.text) == (f"Ada {head} {base}", "3")
        assert await scene.ref(repo, "refs/lazyaf/archive/1/1") is None
    else:
        assert (said.text.startswith("Ada "), log.text) == (True, "2")
        assert await scene.ref(repo, "refs/lazyaf/archive/1/1") == head  # nothing is lost
        assert (await scene.card_row(card)).rejections == 1
    assert (await scene.event_types())[-2:] == ["branch.pushed", "card.updated"]

    with pytest.raises(BranchMoved):
        await approve_card(scene.ctx, card, head, PERSON)
    assert (await approve_card(scene.ctx, card, tip, PERSON))["status"] == "done"


@pytest.mark.parametrize("method", BOTH)
async def test_a_branch_that_has_its_base_stays_as_it_is(
    scene: Scene, method: UpdateMethod
) -> None:
    repo = await scene.repo()
    card, head = await scene.in_review(repo)
    before = await scene.card_row(card)
    assert (await update(scene, card, method))["head_sha"] == head
    assert await scene.card_row(card) == before


@pytest.mark.parametrize("method", BOTH)
async def test_a_conflict_names_its_files_and_changes_nothing(
    scene: Scene, method: UpdateMethod
) -> None:
    repo, card, head, _ = await behind(scene, a="main\n")
    with pytest.raises(MergeConflict) as refused:
        await update(scene, card, method)
    assert (refused.value.status, refused.value.extra) == (409, {"files": ["a"]})
    assert await scene.tip(repo, await branch_of(scene, card)) == head
    assert (await scene.card_row(card)).status == "in_review"
    await reject_card(scene.ctx, card, PERSON)  # no intent was left


async def test_nothing_is_left_of_a_branch_whose_changes_are_in_its_base(scene: Scene) -> None:
    repo, card, head, _ = await behind(scene)
    await scene.push(repo, "main", {"a": "1\n"})
    await scene.push(repo, "main", {"a": "2\n"})
    with pytest.raises(Conflict) as refused:
        await update(scene, card, UpdateMethod.REBASE)
    assert refused.value.code == "rebase_empty"
    assert await scene.tip(repo, await branch_of(scene, card)) == head


async def test_only_a_card_in_review_is_updated(scene: Scene) -> None:
    _repo, card, _, _ = await behind(scene)
    await scene.start(card, CardCommand.REQUEST_CHANGES, RunRequest(message="More"))
    with pytest.raises(IllegalTransition) as refused:
        await update(scene, card)
    assert refused.value.extra == {"allowed": ["cancel"]}


async def test_a_job_that_begins_between_has_the_branch(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo, card, head, _ = await behind(scene)
    real = update_branch._commit

    async def commit(*args: Any) -> str:
        made = await real(*args)
        await scene.start(card, CardCommand.REQUEST_CHANGES, RunRequest(message="More"))
        return made

    monkeypatch.setattr(update_branch, "_commit", commit)
    with pytest.raises(IllegalTransition):
        await update(scene, card)
    assert await scene.tip(repo, await branch_of(scene, card)) == head


async def test_running_checks_are_of_the_head_before_and_an_approval_is_void(scene: Scene) -> None:
    checked = Checked(scene)
    repo = await checked.repo()
    card, head = await checked.in_review(repo)
    await approve_card(scene.ctx, card, head, PERSON)
    await checked.settled()
    first = await checked.claim()
    await scene.push(repo, "main", {"later.txt": "1\n"})

    shown = await update(scene, card)
    await checked.end(first)

    row = await scene.card_row(card)
    assert row.head_sha == shown["head_sha"] != head
    assert row.merge_state is not None
    assert (row.status, row.merge_state["reason"]) == ("in_review", "branch_moved")
    await checked.end(await checked.claim())
    newest = (await checked.runs(card))[0]
    assert (newest.head_sha, newest.state) == (row.head_sha, "passed")


async def test_a_push_that_comes_between_is_not_overwritten(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo, card, _, _ = await behind(scene)
    branch = await branch_of(scene, card)
    real = update_branch._commit

    async def commit(*args: Any) -> str:
        made = await real(*args)
        await scene.push(repo, branch, {"by-hand": "1\n"})
        return made

    monkeypatch.setattr(update_branch, "_commit", commit)
    with pytest.raises(BranchMoved):
        await update(scene, card)
    monkeypatch.undo()
    pushed = await scene.tip(repo, branch)
    tip = (await update(scene, card))["head_sha"]  # no intent was left
    assert await refs.is_ancestor(scene.ctx.git, repo, str(pushed), tip)


class Crash(BaseException):
    """The end of the process, as far as a task can be told."""


@pytest.mark.parametrize("method", BOTH)
@pytest.mark.parametrize("before", ["refs.update", "_confirm"])
async def test_after_a_crash_it_is_done_or_as_if_never_begun(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, before: str, method: UpdateMethod
) -> None:
    repo, card, head, _ = await behind(scene)
    branch = await branch_of(scene, card)

    async def crash(*_: Any) -> None:
        raise Crash

    place: Any = move_head.refs if before == "refs.update" else move_head
    monkeypatch.setattr(place, before.rpartition(".")[2], crash)
    with pytest.raises(Crash):
        await update(scene, card, method)
    monkeypatch.undo()
    for attempt in (
        lambda: scene.start(card, CardCommand.REQUEST_CHANGES, RunRequest(message="x")),
        lambda: approve_card(scene.ctx, card, head, PERSON),
        lambda: update(scene, card, method),
    ):
        with pytest.raises(Conflict) as refused:
            await attempt()
        assert refused.value.code == "busy"
    await recover(scene.ctx)
    tip, moved = await scene.tip(repo, branch), before == "_confirm"
    assert (tip != head) is moved
    row = await scene.card_row(card)
    assert (row.status, row.head_sha, row.behind) == ("in_review", tip, 0 if moved else 1)
    assert (await approve_card(scene.ctx, card, str(tip), PERSON))["status"] == "done"


async def test_the_agent_is_asked_to_resolve_what_conflicts(scene: Scene) -> None:
    _, card, head, _ = await behind(scene, a="main\n")
    shown = await resolve_conflicts(scene.ctx, card, " Keep both. ", PERSON)
    assert shown.status == "in_progress"
    job = await scene.claimed(await scene.runner())
    assert job.task.message == (
        "Resolve the conflict with `main`, which changed what your branch changes: `a`.\n\nKeep both."
    )
    assert (job.branch_sha, job.base) == (head, "main")


async def test_a_long_list_of_files_is_cut(scene: Scene) -> None:
    repo = await scene.repo(files={f"f{n:02}": "0\n" for n in range(25)})
    card, _ = await scene.in_review(repo, {f"f{n:02}": "card\n" for n in range(25)})
    await scene.push(repo, "main", {f"f{n:02}": "main\n" for n in range(25)})
    await resolve_conflicts(scene.ctx, card, "", PERSON)
    job = await scene.claimed(await scene.runner())
    assert job.task.message.endswith("`f18`, `f19` and 5 more.")


async def test_there_must_be_a_conflict_to_resolve(scene: Scene) -> None:
    _, card, _, _ = await behind(scene)
    with pytest.raises(Conflict) as refused:
        await resolve_conflicts(scene.ctx, card, "", PERSON)
    assert refused.value.code == "no_conflict"
    await reject_card(scene.ctx, card, PERSON)
    with pytest.raises(IllegalTransition):
        await resolve_conflicts(scene.ctx, card, "", PERSON)


async def test_commits_without_a_common_history_are_said_to_be_such(scene: Scene) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    alone = scene.commit(repo, {"x": "1\n"}, [])
    await scene.set_ref(repo, f"{job.push_prefix}head", alone)
    await scene.finish(job, head_sha=alone)
    await resolve_conflicts(scene.ctx, card, "", PERSON)
    job = await scene.claimed(await scene.runner())
    assert "no common history with main" in job.task.message
