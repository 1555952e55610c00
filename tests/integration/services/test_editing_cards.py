"""Cards by hand: making, editing, moving, deleting, starting."""

from __future__ import annotations

import asyncio
import json

import pytest

from factories.scene import Scene
from lazyaf.domain.errors import Conflict, IllegalTransition, Invalid, NotFound, VersionConflict
from lazyaf.domain.events import PERSON
from lazyaf.services.cards import NewCard, create_card, delete_card, edit_card
from lazyaf.services.move_card import place_card
from lazyaf.store.board import card_summary
from lazyaf.store.board_list import BoardFilter, list_summaries


async def place(scene: Scene, card: str, *, before: str | None = None, after: str | None = None):
    return await scene.db.write(place_card, card, before, after, PERSON, scene.clock.now())


async def order(scene: Scene, repo: str) -> list[str]:
    text, _ = await scene.db.read(list_summaries, BoardFilter(repo_id=repo))
    return [card["id"] for card in json.loads(text)]


async def test_a_new_card_has_the_next_number_and_the_top(scene: Scene) -> None:
    repo, other = await scene.repo(), await scene.repo()
    first, second = await scene.card(repo, " A "), await scene.card(repo)
    elsewhere = await scene.card(other)
    numbers = [(await scene.card_row(c)).number for c in (first, second, elsewhere)]
    assert numbers == [1, 2, 1]
    assert (await scene.card_row(first)).title == "A"
    assert await order(scene, repo) == [second, first]
    await scene.db.write(delete_card, second, PERSON)
    assert (await scene.card_row(await scene.card(repo))).number == 3


@pytest.mark.parametrize(
    ("title", "description"), [(" ", ""), ("a" * 201, ""), ("a", "é" * 40_000)]
)
async def test_a_text_has_its_limits(scene: Scene, title: str, description: str) -> None:
    repo = await scene.repo()
    with pytest.raises(Invalid):
        await scene.db.write(
            create_card, scene.new_id(), repo, NewCard(title, description), PERSON, "now"
        )


async def test_an_edit_names_the_version_it_saw(scene: Scene) -> None:
    card = await scene.card(await scene.repo())
    change = {"title": "New", "status": "done", "description": "Words"}
    edited = await scene.db.write(edit_card, card, change, 1, PERSON, scene.clock.now())
    shown = json.loads(edited.json)
    assert shown == edited.view
    assert (shown["title"], shown["status"], shown["version"]) == ("New", "todo", 2)
    assert shown["description"] == "Words"
    with pytest.raises(VersionConflict):
        await scene.db.write(edit_card, card, change, 1, PERSON, scene.clock.now())


async def test_a_card_goes_between_its_neighbours(scene: Scene) -> None:
    repo = await scene.repo()
    c, b, a = [await scene.card(repo) for _ in range(3)]
    await place(scene, a, after=b, before=c)
    assert await order(scene, repo) == [b, a, c]
    await place(scene, a, after=c)
    assert await order(scene, repo) == [b, c, a]
    await place(scene, a, before=b)
    assert await order(scene, repo) == [a, b, c]


async def test_moving_into_the_same_gap_for_ever_respaces_and_tells_everyone(scene: Scene) -> None:
    repo = await scene.repo()
    bottom, top = await scene.card(repo), await scene.card(repo)
    moved, other = await scene.card(repo), await scene.card(repo)
    for _ in range(40):
        await place(scene, moved, after=top, before=bottom)
        assert await order(scene, repo) == [other, top, moved, bottom]
        await place(scene, other, after=top, before=moved)
        assert await order(scene, repo) == [top, other, moved, bottom]
        moved, other = other, moved
        await place(scene, other, before=top)
        assert (await order(scene, repo))[0] == other
    assert await scene.told_cards() == {
        card: await scene.db.read(card_summary, card) for card in await order(scene, repo)
    }


async def test_neighbours_in_another_order_are_a_conflict(scene: Scene) -> None:
    repo = await scene.repo()
    low, high, card = [await scene.card(repo) for _ in range(3)]
    with pytest.raises(Conflict, match="another order"):
        await place(scene, card, after=low, before=high)
    started = await scene.card(repo)
    await scene.start(started)
    with pytest.raises(Conflict, match="no longer in that column"):
        await place(scene, card, after=started)
    with pytest.raises(NotFound):
        await place(scene, card, after=scene.new_id())


async def test_a_card_with_an_open_job_is_not_deleted(scene: Scene) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    with pytest.raises(Conflict) as refused:
        await scene.db.write(delete_card, card, PERSON)
    assert refused.value.code == "job_open"
    head = await scene.work(job, {"a": "b"})
    await scene.finish(job, head_sha=head)
    await scene.db.write(delete_card, card, PERSON)
    with pytest.raises(NotFound):
        await scene.card_row(card)
    assert await scene.tip(repo, job.branch) == head  # nothing is lost


async def test_two_starts_at_once_make_one_job(scene: Scene) -> None:
    card = await scene.card(await scene.repo())
    answers = await asyncio.gather(scene.start(card), scene.start(card), return_exceptions=True)
    [refused] = [a for a in answers if isinstance(a, BaseException)]
    assert isinstance(refused, IllegalTransition)
    assert refused.extra["allowed"] == ["cancel"]


async def test_nothing_starts_without_content_or_base(scene: Scene) -> None:
    card = await scene.card(await scene.empty_repo())
    with pytest.raises(Conflict) as refused:
        await scene.start(card)
    assert refused.value.code == "not_ingested"
    card = await scene.card(await scene.repo(), base_branch="nowhere")
    with pytest.raises(Conflict) as refused:
        await scene.start(card)
    assert refused.value.code == "no_base_branch"


async def test_a_branch_in_the_way_of_all_card_branches_is_passed_by(scene: Scene) -> None:
    """R16: a branch named `lazyaf` would block `lazyaf/1-…`."""
    repo = await scene.repo()
    await scene.push(repo, "lazyaf", {"a": "b"})
    card, head = await scene.in_review(repo)
    row = await scene.card_row(card)
    assert row.branch_name == "lazyaf-cards/1-fix-the-login"
    assert await scene.tip(repo, row.branch_name) == head
