"""Approving, rejecting and reopening a card."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from factories.scene import Scene
from lazyaf.domain.errors import BranchMoved, Conflict, IllegalTransition, MergeConflict
from lazyaf.domain.events import PERSON
from lazyaf.domain.jobs import StopReason
from lazyaf.git import refs
from lazyaf.services import carry_out_merge as approving
from lazyaf.services import merge_card
from lazyaf.services.approve_card import approve_card
from lazyaf.services.decide_card import reject_card, reopen_card
from lazyaf.store.events import events_after
from lazyaf.store.intents import find_intent


async def test_approving_merges_what_was_seen(scene: Scene) -> None:
    repo = await scene.repo()
    card, head = await scene.in_review(repo, {"new.txt": "1"})
    base = await scene.tip(repo, "main")
    shown = await approve_card(scene.ctx, card, head, PERSON)
    merged = await scene.tip(repo, "main")
    assert (shown["status"], shown["merged_sha"]) == ("done", merged)
    assert merged is not None
    for ancestor in (base, head):
        assert ancestor is not None
        assert await refs.is_ancestor(scene.ctx.git, repo, ancestor, merged)
    types = [row.type for row in await scene.db.read(events_after, 0, 1000)]
    assert types[-2:] == ["card.moved", "branch.merged"]
    assert await scene.db.read(find_intent, card) is None
    with pytest.raises(IllegalTransition):
        await approve_card(scene.ctx, card, head, PERSON)


async def test_a_conflict_names_its_files_and_leaves_the_card_in_review(scene: Scene) -> None:
    repo = await scene.repo()
    card, head = await scene.in_review(repo, {"readme.md": "theirs\n"})
    base = await scene.push(repo, "main", {"readme.md": "ours\n"})
    shown = await scene.shown(card)
    assert (shown["live"]["mergeable"], shown["live"]["conflicts"]) == (False, ["readme.md"])
    with pytest.raises(MergeConflict) as refused:
        await approve_card(scene.ctx, card, head, PERSON)
    assert refused.value.extra == {"files": ["readme.md"]}
    assert (await scene.card_row(card)).status == "in_review"
    assert await scene.tip(repo, "main") == base
    assert await scene.db.read(find_intent, card) is None


async def test_a_branch_that_moved_since_it_was_seen_is_not_merged(scene: Scene) -> None:
    repo = await scene.repo()
    card, head = await scene.in_review(repo)
    base = await scene.tip(repo, "main")
    row = await scene.card_row(card)
    newer = await scene.push(repo, row.branch_name or "", {"more.txt": "1"})
    assert (await scene.card_row(card)).head_sha == newer
    with pytest.raises(BranchMoved) as refused:
        await approve_card(scene.ctx, card, head, PERSON)
    assert refused.value.extra == {"head_sha": newer}
    assert await scene.tip(repo, "main") == base
    await approve_card(scene.ctx, card, newer, PERSON)


async def test_a_base_that_moves_meanwhile_is_merged_onto(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both at once: the push also measures the card anew, which is no reason to refuse."""
    repo = await scene.repo()
    card, head = await scene.in_review(repo)
    real, pushed = approving._effect, []

    async def push_first(*args: Any) -> None:
        if len(pushed) < 2:
            pushed.append(await scene.push(repo, "main", {f"other-{len(pushed)}.txt": "1"}))
        await real(*args)

    monkeypatch.setattr(approving, "_effect", push_first)
    await approve_card(scene.ctx, card, head, PERSON)
    merged = await scene.tip(repo, "main")
    assert merged is not None
    for sha in (*pushed, head):
        assert await refs.is_ancestor(scene.ctx.git, repo, sha, merged)
    assert len(pushed) == 2


async def test_a_card_that_is_measured_anew_meanwhile_is_merged_all_the_same(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = await scene.repo()
    card, head = await scene.in_review(repo, {"new.txt": "1\n"})
    real, pushed = merge_card.make_commit, []

    async def push_meanwhile(*args: Any, **kwargs: Any) -> str:
        made = await real(*args, **kwargs)
        if not pushed:  # the same line on the base: the card now changes nothing
            pushed.append(await scene.push(repo, "main", {"new.txt": "1\n"}))
        return made

    monkeypatch.setattr(merge_card, "make_commit", push_meanwhile)
    before = (await scene.card_row(card)).version
    assert (await approve_card(scene.ctx, card, head, PERSON))["status"] == "done"
    assert (await scene.card_row(card)).version > before + 1


async def test_two_approvals_at_once_merge_once(scene: Scene) -> None:
    repo = await scene.repo()
    card, head = await scene.in_review(repo)
    answers = await asyncio.gather(
        *(approve_card(scene.ctx, card, head, PERSON) for _ in range(2)), return_exceptions=True
    )
    [refused] = [a for a in answers if isinstance(a, BaseException)]
    assert isinstance(refused, Conflict)
    assert refused.status == 409


async def test_cards_of_one_repository_are_approved_at_once(scene: Scene) -> None:
    repo = await scene.repo()
    ready = [await scene.in_review(repo) for _ in range(4)]
    await asyncio.gather(*(approve_card(scene.ctx, c, head, PERSON) for c, head in ready))
    merged = await scene.tip(repo, "main")
    assert merged is not None
    for _, head in ready:
        assert await refs.is_ancestor(scene.ctx.git, repo, head, merged)


async def test_a_merge_reads_the_settings_anew(scene: Scene) -> None:
    repo = await scene.repo()
    config = {".lazyaf/config.toml": 'agent = "script"\n', "readme.md": "first\n"}
    first, head = await scene.in_review(repo, config)
    assert (await scene.repo_row(repo)).file_settings == {}
    await approve_card(scene.ctx, first, head, PERSON)
    await scene.ctx.background.settle()
    assert (await scene.repo_row(repo)).file_settings == {"agent": "script"}


async def test_a_card_without_changes_is_just_closed(scene: Scene) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    await scene.finish(job, StopReason.NO_CHANGES)
    base = await scene.tip(repo, "main")
    assert (await scene.card_row(card)).no_changes
    shown = await approve_card(scene.ctx, card, "0" * 40, PERSON)
    assert (shown["status"], shown["merged_sha"]) == ("done", None)
    assert await scene.tip(repo, "main") == base


async def test_rejecting_keeps_the_tip_and_the_branch(scene: Scene) -> None:
    repo = await scene.repo()
    card, head = await scene.in_review(repo)
    shown = await reject_card(scene.ctx, card, PERSON)
    assert (shown["status"], shown["failure"]) == ("todo", None)
    assert await scene.ref(repo, "refs/lazyaf/archive/1/1") == head
    assert await scene.tip(repo, shown["branch_name"]) == head
    with pytest.raises(IllegalTransition):
        await reject_card(scene.ctx, card, PERSON)
    await scene.start(card)
    job = await scene.claimed(await scene.runner())
    assert job.branch_sha == head
    newer = await scene.work(job, {"more.txt": "1"})
    await scene.finish(job, StopReason.AGENT_FAILED, head_sha=newer)
    await reject_card(scene.ctx, card, PERSON)
    assert await scene.ref(repo, "refs/lazyaf/archive/1/1") == head
    assert await scene.ref(repo, "refs/lazyaf/archive/1/2") == newer


async def test_a_done_card_is_reopened_and_started_again(scene: Scene) -> None:
    repo = await scene.repo()
    card, head = await scene.in_review(repo)
    await approve_card(scene.ctx, card, head, PERSON)
    shown = await reopen_card(scene.ctx, card, PERSON)
    assert (shown["status"], shown["merged_sha"]) == ("todo", None)
    await scene.start(card)
    with pytest.raises(IllegalTransition):
        await reopen_card(scene.ctx, card, PERSON)
