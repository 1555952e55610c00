"""The conflict radar: what each card in review is told."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from factories.rivals import TEXT, changed, live, repo_of_its_own
from factories.scene import Scene
from lazyaf.domain.cards import UpdateMethod
from lazyaf.domain.errors import NotFound
from lazyaf.domain.events import PERSON
from lazyaf.git import command, footprints, merge, refs
from lazyaf.git.reader import PairCache
from lazyaf.services import compare_reviews
from lazyaf.services.approve_card import approve_card
from lazyaf.services.card_conflicts import card_conflicts
from lazyaf.services.cards import delete_card, edit_card
from lazyaf.services.decide_card import reject_card
from lazyaf.services.radar import Radar
from lazyaf.services.update_branch import update_branch
from lazyaf.store.cards import cards_in_review, update_card
from lazyaf.store.events import events_after
from lazyaf.store.head_pairs import list_pairs, remove_pairs
from lazyaf.store.tx import Tx


async def test_a_base_that_moves_on_says_so_on_every_card(watched: Scene) -> None:
    repo = await repo_of_its_own(watched)
    first, _ = await watched.in_review(repo, {"hot": changed(3, "first")})
    second, _ = await watched.in_review(repo, {"cold": changed(3, "second")})
    await watched.ctx.background.settle()
    assert (await live(watched, first))["behind"] == 0
    versions = [(await watched.card_row(card)).version for card in (first, second)]
    times = [(await watched.card_row(card)).updated_at for card in (first, second)]

    watched.clock.advance(60)
    await watched.push(repo, "main", {"hot": changed(3, "main")})
    tip = await watched.push(repo, "main", {"other": "1\n"})
    await watched.ctx.background.settle()

    for card, mergeable, files in ((first, False, ["hot"]), (second, True, [])):
        shown = await live(watched, card)
        assert (shown["mergeable"], shown["conflicts"], shown["behind"]) == (mergeable, files, 2)
        assert (await watched.card_row(card)).base_sha == tip
        assert (await watched.told_cards())[card]["live"] == shown
    rows = [await watched.card_row(card) for card in (first, second)]
    assert all(row.version > before for row, before in zip(rows, versions, strict=True))
    assert [row.updated_at for row in rows] == times  # others moved, not these


async def test_cards_that_conflict_with_each_other_name_each_other(watched: Scene) -> None:
    repo = await repo_of_its_own(watched)
    cards = [
        (await watched.in_review(repo, files))[0]
        for files in (
            {"hot": changed(3, "one"), "cold": TEXT + "1\n"},
            {"hot": changed(3, "two")},
            {"hot": changed(17, "three")},  # the same file, elsewhere in it
            {"cold": TEXT + "4\n"},
            {"new": "5\n"},
        )
    ]
    await watched.ctx.background.settle()
    assert [(await live(watched, card))["conflicts_with"] for card in cards] == [
        [2, 4],
        [1],
        [],
        [1],
        [],
    ]
    told = await watched.told_cards()
    assert [told[card]["live"]["conflicts_with"] for card in cards[:2]] == [[2, 4], [1]]
    in_full = await watched.db.read(card_conflicts, cards[0], "http://here")
    assert [(each["number"], each["files"]) for each in in_full["cards"]] == [
        (2, ["hot"]),
        (4, ["cold"]),
    ]

    # One is merged: those it was in the way of conflict with the base now, and with nobody.
    await approve_card(watched.ctx, cards[0], (await watched.card_row(cards[0])).head_sha, PERSON)
    await watched.ctx.background.settle()
    shown = [await live(watched, card) for card in cards[1:]]
    assert [each["conflicts_with"] for each in shown] == [[], [], [], []]
    assert [each["mergeable"] for each in shown] == [False, True, False, True]
    assert [each["behind"] for each in shown] == [2, 2, 2, 2]


async def test_what_a_card_has_against_its_base_is_not_held_against_others(watched: Scene) -> None:
    repo = await repo_of_its_own(watched)
    old, _ = await watched.in_review(repo, {"hot": changed(3, "old"), "cold": changed(5, "old")})
    await watched.push(repo, "main", {"hot": changed(3, "main")})
    innocent, _ = await watched.in_review(repo, {"cold": changed(15, "new")})
    rival, _ = await watched.in_review(repo, {"cold": changed(5, "rival")})
    await watched.ctx.background.settle()

    assert (await live(watched, old))["conflicts"] == ["hot"]
    assert [(await live(watched, each))["conflicts_with"] for each in (old, innocent, rival)] == [
        [3],
        [],
        [1],
    ]
    shown = await watched.db.read(card_conflicts, rival, "http://here")
    assert shown["cards"] == [{"id": old, "number": 1, "title": "Fix the login", "files": ["cold"]}]
    assert (shown["files"], shown["mergeable"], shown["behind"]) == ([], True, 0)
    shown = await watched.db.read(card_conflicts, old, "http://here")
    assert (shown["files"], shown["behind"], shown["base_ref"]) == (["hot"], 1, "main")


async def test_the_commands_settle_a_conflict_by_hand(watched: Scene, tmp_path: Path) -> None:
    repo = await repo_of_its_own(watched)
    card, head = await watched.in_review(repo, {"hot": changed(3, "card")})
    tip = await watched.push(repo, "main", {"hot": changed(3, "main")})
    await watched.ctx.background.settle()
    store = watched.ctx.git.path(repo)
    shown = await watched.db.read(card_conflicts, card, "http://here")
    script = [line.replace(f"http://here/git/{repo}.git", str(store)) for line in shown["commands"]]
    clone = tmp_path / "clone"
    await command.run(["clone", "-q", str(store), str(clone)])
    how = {"cwd": clone, "env": command.child_env({"HOME": str(tmp_path)})}

    for line in script[:2]:
        await command.run(line.split()[1:], **how)
    stopped = await command.run(script[2].split()[1:], check=False, **how)
    assert b"CONFLICT" in stopped.stdout
    (clone / "hot").write_text(changed(3, "both"))
    await command.run(["commit", "-qam", "Settle it"], **how)
    await command.run(script[3].split()[1:], **how)
    await watched.look(repo)

    row = await watched.card_row(card)
    assert (row.mergeable, row.behind, row.base_sha) == (True, 0, tip)
    assert await refs.is_ancestor(watched.ctx.git, repo, head, str(row.head_sha))


@pytest.mark.parametrize("leave", ["rejected", "deleted", "another base", "other commits"])
async def test_a_card_that_is_no_rival_any_more_is_not_named(watched: Scene, leave: str) -> None:
    repo = await repo_of_its_own(watched)
    first, _ = await watched.in_review(repo, {"hot": changed(3, "one")})
    second, head = await watched.in_review(repo, {"hot": changed(3, "two")})
    await watched.ctx.background.settle()
    assert (await live(watched, first))["conflicts_with"] == [2]

    match leave:
        case "rejected":
            await reject_card(watched.ctx, second, PERSON)
        case "deleted":
            await watched.db.write(delete_card, second, PERSON)
        case "another base":
            await watched.set_ref(repo, "refs/heads/release", await watched.tip(repo, "main") or "")
            change = {"base_branch": "release"}
            await watched.db.write(edit_card, second, change, None, PERSON, watched.clock.now())
        case "other commits":
            branch = (await watched.card_row(second)).branch_name or ""
            await watched.push(repo, branch, {"hot": TEXT})
    await watched.ctx.background.settle()

    assert (await live(watched, first))["conflicts_with"] == []
    assert head not in {
        sha
        for pair in await watched.db.read(list_pairs, repo)
        for sha in (pair.one_sha, pair.other_sha)
    }


async def test_a_branch_or_a_repository_that_goes_is_no_error(watched: Scene) -> None:
    repo = await repo_of_its_own(watched)
    card, _ = await watched.in_review(repo, {"hot": changed(3, "one")})
    other, _ = await watched.in_review(repo, {"hot": changed(3, "two")})
    branch = (await watched.card_row(card)).branch_name
    await watched.ctx.git.git(repo, ["update-ref", "-d", f"refs/heads/{branch}"])
    await watched.look(repo)
    assert (await live(watched, other))["conflicts_with"] == []

    await watched.ctx.git.delete(repo)
    with pytest.raises(NotFound):
        await watched.look(repo)
    radar = Radar(watched.ctx, pause=0)
    radar.look(repo)
    await watched.ctx.background.settle()


async def test_pairs_are_told_before_all_of_them_are_known(
    watched: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare_reviews, "TOLD_AFTER", 1)
    repo = await repo_of_its_own(watched)
    cards = [(await watched.in_review(repo, {"hot": changed(3, f"card {n}")}))[0] for n in range(3)]
    await watched.ctx.background.settle()
    numbers = {1: [2, 3], 2: [1, 3], 3: [1, 2]}
    for number, card in enumerate(cards, start=1):
        assert (await live(watched, card))["conflicts_with"] == numbers[number]
        rows = await watched.db.read(events_after, 0, 1000)
        told = [json.loads(row.data)["card"]["live"] for row in rows if row.subject == card]
        assert any(len(each["conflicts_with"]) == 1 for each in told if each)


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_it_says_what_a_look_from_nothing_says(
    watched: Scene, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    dice = random.Random(seed)
    repo = await repo_of_its_own(watched)
    cards = [
        (await watched.in_review(repo, {dice.choice(["hot", "cold"]): changed(n % 4, f"{n}")}))[0]
        for n in range(7)
    ]
    for step in range(12):
        card = dice.choice(cards)
        row = await watched.card_row(card)
        text = {dice.choice(["hot", "cold", "new"]): changed(dice.randrange(4), f"step {step}")}
        match dice.choice(["base", "head", "head", "update", "reject", "settle"]):
            case "base":
                await watched.push(repo, "main", text)
            case "head" if row.status == "in_review":
                await watched.push(repo, row.branch_name or "", text)
            case "update" if row.status == "in_review" and row.mergeable:
                await update_branch(watched.ctx, card, dice.choice(list(UpdateMethod)), PERSON)
            case "reject" if row.status == "in_review" and step % 3 == 0:
                await reject_card(watched.ctx, card, PERSON)
            case "settle":
                await watched.ctx.background.settle()
    await watched.ctx.background.settle()
    said = [await live(watched, card) for card in cards]
    told = await watched.told_cards()
    assert [told[card]["live"] for card in cards] == said

    def forget(tx: Tx) -> None:
        remove_pairs(tx, list_pairs(tx, repo))
        for row in cards_in_review(tx, repo):
            update_card(tx, row, {"base_sha": None, "conflicts_with": [], "uncompared": 9})

    for module in (merge, footprints):
        monkeypatch.setattr(module, "_known", PairCache[Any](100))
    await watched.db.write(forget)
    await watched.look(repo)
    assert [await live(watched, card) for card in cards] == said
    assert any(each["conflicts_with"] for each in said)
