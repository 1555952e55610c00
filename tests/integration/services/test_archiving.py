"""Archived and duplicated cards, and the columns of all repositories as one."""

from __future__ import annotations

import json

import pytest

from factories.scene import Scene
from lazyaf.domain.cards import Archived
from lazyaf.domain.errors import Conflict, IllegalTransition
from lazyaf.domain.events import PERSON
from lazyaf.services import archive_card as archiving
from lazyaf.services.approve_card import approve_card
from lazyaf.services.archive_card import archive_card, archive_done, unarchive_card
from lazyaf.services.cards import NewCard, create_card
from lazyaf.services.decide_card import reopen_card
from lazyaf.services.duplicate_card import duplicate_card
from lazyaf.services.move_card import place_card
from lazyaf.store.board_list import BoardFilter, list_summaries
from lazyaf.store.events import events_after


async def listed(scene: Scene, repo: str | None, archived: Archived) -> list[str]:
    wanted = BoardFilter(repo_id=repo, archived=archived)
    text, _ = await scene.db.read(list_summaries, wanted)
    return [card["id"] for card in json.loads(text)]


async def done(scene: Scene, repo: str, file: str = "new.txt") -> str:
    card, head = await scene.in_review(repo, {file: "1"})
    await approve_card(scene.ctx, card, head, PERSON)
    return card


async def test_an_archived_card_is_in_no_list_but_the_archives(scene: Scene) -> None:
    repo = await scene.repo()
    card, other = await done(scene, repo), await scene.card(repo)
    shown = await scene.db.write(archive_card, card, PERSON, "then")
    assert (shown["status"], shown["archived_at"]) == ("done", "then")
    assert await listed(scene, repo, Archived.EXCLUDE) == [other]
    assert await listed(scene, repo, Archived.ONLY) == [card]
    assert set(await listed(scene, repo, Archived.INCLUDE)) == {card, other}
    again = await scene.db.write(archive_card, card, PERSON, "later")
    assert (again["archived_at"], again["version"]) == ("then", shown["version"])
    told = [row.type for row in await scene.db.read(events_after, 0, 1000)]
    assert told[-1] == "card.updated"

    shown = await scene.db.write(unarchive_card, card, PERSON, "later")
    assert (shown["status"], shown["archived_at"]) == ("done", None)
    assert set(await listed(scene, repo, Archived.EXCLUDE)) == {card, other}


async def test_only_what_is_done_is_archived(scene: Scene) -> None:
    repo = await scene.repo()
    card, _ = await scene.in_review(repo)
    with pytest.raises(IllegalTransition) as refused:
        await scene.db.write(archive_card, card, PERSON, "now")
    assert "archive" not in refused.value.extra["allowed"]
    assert await listed(scene, repo, Archived.ONLY) == []


async def test_a_reopened_card_leaves_the_archive(scene: Scene) -> None:
    repo = await scene.repo()
    card = await done(scene, repo)
    await scene.db.write(archive_card, card, PERSON, "now")
    shown = await reopen_card(scene.ctx, card, PERSON)
    assert (shown["status"], shown["archived_at"]) == ("todo", None)
    assert await listed(scene, repo, Archived.EXCLUDE) == [card]


async def test_all_that_is_done_is_archived_by_batches(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "BATCH", 2)
    repo, elsewhere = await scene.repo(), await scene.repo()
    cards = {await done(scene, repo, f"{n}.txt") for n in range(3)}
    kept = {await scene.card(repo), await done(scene, elsewhere)}
    assert await archive_done(scene.ctx, repo, PERSON) == 3
    assert set(await listed(scene, None, Archived.ONLY)) == cards
    assert set(await listed(scene, None, Archived.EXCLUDE)) == kept
    assert await archive_done(scene.ctx, repo, PERSON) == 0


async def test_a_duplicate_says_the_same_and_has_done_nothing(scene: Scene) -> None:
    repo = await scene.repo()
    said = NewCard("Title", "Words", ["a", "b"], 3, "script", {"command": "true"}, "main")
    first = scene.new_id()
    await scene.db.write(create_card, first, repo, said, PERSON, "then")
    copy = await scene.db.write(duplicate_card, first, scene.new_id, PERSON, "now")
    original = await scene.shown(first)
    same = ("title", "description", "labels", "priority", "agent", "agent_options", "base_branch")
    assert {name: copy[name] for name in same} == {name: original[name] for name in same}
    assert (copy["number"], copy["status"], copy["created_at"]) == (2, "todo", "now")
    assert (copy["job_id"], copy["branch_name"], copy["head_sha"]) == (None, None, None)
    assert await listed(scene, repo, Archived.EXCLUDE) == [copy["id"], first]


async def test_a_column_has_one_scale_for_all_repositories(scene: Scene) -> None:
    one, other = await scene.repo(), await scene.repo()
    a, b, c = await scene.card(one), await scene.card(other), await scene.card(one)
    assert await listed(scene, None, Archived.EXCLUDE) == [c, b, a]
    await scene.db.write(place_card, c, None, b, PERSON, "now")
    assert await listed(scene, None, Archived.EXCLUDE) == [b, c, a]
    await scene.db.write(place_card, b, a, None, PERSON, "now")
    assert await listed(scene, None, Archived.EXCLUDE) == [c, b, a]
    review, _ = await scene.in_review(other)
    with pytest.raises(Conflict):
        await scene.db.write(place_card, a, review, None, PERSON, "now")
