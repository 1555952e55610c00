"""What the conflict radar computes: nothing twice, not too much, and nobody waits for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from factories.rivals import changed, live, repo_of_its_own
from factories.scene import Scene
from lazyaf.domain.cards import CardCommand
from lazyaf.domain.events import PERSON
from lazyaf.domain.jobs import StopReason
from lazyaf.git import diff, footprints, merge, refs
from lazyaf.git.reader import PairCache
from lazyaf.services import compare_reviews, measure_reviews
from lazyaf.services.after_push import branches_pushed
from lazyaf.services.decide_card import reject_card
from lazyaf.services.list_cards import Wanted, board_page
from lazyaf.services.radar import Radar, look_at
from lazyaf.services.start_card import RunRequest


class Merges:
    """Counts what git is asked to merge and to list, by the commits; everything still happens."""

    def __init__(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pairs: list[frozenset[str]] = []
        self.children = 0
        real = scene.ctx.git.git

        async def counting(repo_id: str, args: Sequence[str], **how: Any) -> Any:
            self.children += 1
            if "merge-tree" in args:
                lines = how["stdin"].decode().splitlines() if "--stdin" in args else [args[-2:]]
                self.pairs += [frozenset(x if isinstance(x, list) else x.split()) for x in lines]
            return await real(repo_id, args, **how)

        monkeypatch.setattr(scene.ctx.git, "git", counting)

    def taken(self) -> set[frozenset[str]]:
        """The pairs since the last time; none of them twice."""
        taken, self.pairs = self.pairs, []
        assert len(taken) == len(set(taken))
        return set(taken)


async def three(scene: Scene) -> tuple[str, list[str], list[str]]:
    """Three cards that all touch one file; the first two conflict."""
    repo = await repo_of_its_own(scene)
    made = [
        await scene.in_review(repo, {"hot": changed(line, f"card {line}"), f"own-{line}": "1\n"})
        for line in (3, 4, 16)
    ]
    await scene.look(repo)
    return repo, [card for card, _ in made], [head for _, head in made]


async def test_nothing_is_computed_twice(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    repo, cards, heads = await three(scene)
    assert [(await live(scene, card))["conflicts_with"] for card in cards] == [[2], [1], []]
    merges = Merges(scene, monkeypatch)
    versions = [(await scene.card_row(card)).version for card in cards]

    await scene.look(repo)
    assert (merges.taken(), merges.children) == (set(), 0)
    assert [(await scene.card_row(card)).version for card in cards] == versions

    # Another base: each head with it, and no head with another.
    tip = await scene.push(repo, "main", {"other": "1\n"})
    assert merges.taken() == {frozenset({tip, head}) for head in heads}

    # Another head: that one with the base and with the others.
    branch = (await scene.card_row(cards[2])).branch_name or ""
    moved = await scene.push(repo, branch, {"hot": changed(3, "third")})
    assert merges.taken() == {frozenset({moved, other}) for other in (tip, *heads[:2])}
    assert [(await live(scene, card))["conflicts_with"] for card in cards] == [
        [2, 3],
        [1, 3],
        [1, 2],
    ]

    # A card fewer: nothing.
    await reject_card(scene.ctx, cards[0], PERSON)
    await scene.look(repo)
    assert merges.taken() == set()
    assert [(await live(scene, card))["conflicts_with"] for card in cards[1:]] == [[3], [2]]

    # Other attributes: everything, since they say how to merge.
    union = await scene.push(repo, "main", {".gitattributes": "hot merge=union\n"})
    assert merges.taken() == {
        frozenset(p) for p in ((union, heads[1]), (union, moved), (heads[1], moved))
    }
    assert [(await live(scene, card))["conflicts_with"] for card in cards[1:]] == [[], []]


async def test_a_restart_merges_nothing_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, cards, _ = await three(scene)
    for module in (merge, footprints):
        monkeypatch.setattr(module, "_known", PairCache[Any](100))
    monkeypatch.setattr(diff, "_stats", PairCache[Any](100))
    monkeypatch.setattr(refs, "_distances", PairCache[Any](100))
    merges = Merges(scene, monkeypatch)

    radar = Radar(scene.ctx, pause=0)
    await radar.start()
    await scene.ctx.background.settle()

    assert merges.taken() == set()
    assert merges.children == 1  # what the branches touch is listed again, all at once
    assert [(await live(scene, card))["conflicts_with"] for card in cards] == [[2], [1], []]


async def test_what_is_too_much_is_left_out_and_told(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare_reviews, "MOST_PAIRS", 1)
    monkeypatch.setattr(footprints, "MOST_PATHS", 4)
    repo, cards, _ = await three(scene)
    huge, _ = await scene.in_review(repo, {f"file-{n}": "1\n" for n in range(5)})
    await scene.look(repo)

    shown = [await live(scene, card) for card in (*cards, huge)]
    assert [each["conflicts_with"] for each in shown] == [[2], [1], [], []]
    assert [each["uncompared"] for each in shown] == [2, 2, 3, 3]


async def test_many_hints_are_one_more_look(
    watched: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = await repo_of_its_own(watched)
    await watched.in_review(repo)
    await watched.ctx.background.settle()
    merges = Merges(watched, monkeypatch)
    radar = Radar(watched.ctx, pause=0)
    looks = 0
    real = watched.ctx.db.read

    async def reading(fn: Any, *args: Any) -> Any:
        nonlocal looks
        looks += fn.__name__ == "_what_there_is"
        for _ in range(3 if looks == 1 else 0):
            radar.look(repo)
        return await real(fn, *args)

    monkeypatch.setattr(watched.ctx.db, "read", reading)
    for _ in range(5):
        radar.look(repo)
    await watched.ctx.background.settle()
    assert (looks, merges.taken()) == (2, set())

    radar.close()
    radar.look(repo)
    await watched.ctx.background.settle()
    assert looks == 2


async def test_where_there_is_nothing_to_look_at_one_look_is_all(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = await scene.repo()
    await scene.start(await scene.card(repo))
    reads: list[str] = []
    real = scene.ctx.db.read

    async def reading(fn: Any, *args: Any) -> Any:
        reads.append(fn.__name__)
        return await real(fn, *args)

    monkeypatch.setattr(scene.ctx.db, "read", reading)
    assert await look_at(scene.ctx, repo, last=frozenset()) == frozenset()
    assert reads == ["_what_there_is"]


async def test_what_was_seen_before_is_not_compared_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo, cards, _ = await three(scene)
    radar = Radar(scene.ctx, pause=0)
    compared = 0
    real = scene.ctx.db.read

    async def reading(fn: Any, *args: Any) -> Any:
        nonlocal compared
        compared += fn.__name__ == "list_pairs"
        return await real(fn, *args)

    monkeypatch.setattr(scene.ctx.db, "read", reading)

    async def look() -> int:
        nonlocal compared
        compared = 0
        radar.look(repo)
        await scene.ctx.background.settle()
        return compared

    assert [await look(), await look()] == [1, 0]

    # A round that changed nothing: the same commits, and a card that has forgotten what it was told.
    await scene.start(cards[0], CardCommand.REQUEST_CHANGES, RunRequest(message="More"))
    job = await scene.claimed(await scene.runner())
    await scene.finish(job, StopReason.NO_CHANGES)
    assert (await live(scene, cards[0]))["conflicts_with"] == []
    assert await look() == 1
    assert (await live(scene, cards[0]))["conflicts_with"] == [2]


async def test_neither_a_push_nor_a_list_waits_for_the_radar(
    watched: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = await repo_of_its_own(watched)
    card, _ = await watched.in_review(repo, {"hot": changed(3, "card")})
    await watched.ctx.background.settle()
    begun, go_on = asyncio.Event(), asyncio.Event()
    real = measure_reviews.measure_against

    async def held(*args: Any) -> Any:
        begun.set()
        await go_on.wait()
        return await real(*args)

    monkeypatch.setattr(measure_reviews, "measure_against", held)
    tip = watched.commit(repo, {"hot": changed(3, "main")}, [await watched.tip(repo, "main") or ""])
    await watched.set_ref(repo, "refs/heads/main", tip)
    async with asyncio.timeout(30):
        await branches_pushed(watched.ctx, repo, [("0" * 40, tip, "refs/heads/main")], PERSON)
        await begun.wait()
        listed = await watched.db.read(board_page, Wanted(repo_id=repo), "e", lambda _: None)
        [shown] = json.loads(listed)["items"]
        assert (shown["live"]["mergeable"], shown["live"]["behind"]) == (True, 0)  # as it was
        go_on.set()
        await watched.ctx.background.settle()
    assert (await live(watched, card))["mergeable"] is False
