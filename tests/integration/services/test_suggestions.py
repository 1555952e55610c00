"""Suggestions that a person commits to a card's branch."""

from __future__ import annotations

import pytest

from factories.scene import Scene
from lazyaf.domain.errors import BranchMoved, IllegalTransition, Invalid
from lazyaf.domain.events import PERSON
from lazyaf.domain.suggestions import Suggestion
from lazyaf.services import move_head
from lazyaf.services.apply_suggestions import apply_suggestions
from lazyaf.services.approve_card import approve_card
from lazyaf.services.recover import recover
from lazyaf.store.settings import put_setting

FIX = Suggestion("a.py", 2, 2, "second\n")


async def reviewed(scene: Scene) -> tuple[str, str, str]:
    """A card in review: repository, card, head."""
    repo = await scene.repo()
    files = {"a.py": "first\nsecnd\nthird\n", "größe/b.py": "x\r\n"}
    card, head = await scene.in_review(repo, files)
    return repo, card, head


async def content(scene: Scene, repo: str, commit: str, path: str) -> str:
    return (await scene.ctx.git.git(repo, ["show", f"{commit}:{path}"])).stdout.decode()


async def test_they_become_one_commit_of_the_person(scene: Scene) -> None:
    repo, card, head = await reviewed(scene)
    await scene.db.write(put_setting, "person", {"name": "Ada", "email": "ada@example.com"})
    other = Suggestion("größe/b.py", 1, 1, "y\nz\n")

    shown = await apply_suggestions(scene.ctx, card, head, [FIX, other], PERSON)

    tip = await scene.tip(repo, (await scene.card_row(card)).branch_name or "")
    assert tip is not None
    assert (shown["status"], shown["head_sha"]) == ("in_review", tip)
    said = await scene.ctx.git.git(repo, ["log", "-1", "--format=%an %ae %P %s", tip])
    assert said.text == f"Ada ada@example.com {head} Apply 2 suggestions of the review"
    assert await content(scene, repo, tip, "a.py") == "first\nsecond\nthird\n"
    assert await content(scene, repo, tip, "größe/b.py") == "y\r\nz\r\n"
    assert (await scene.event_types())[-2:] == ["branch.pushed", "card.updated"]
    with pytest.raises(BranchMoved):
        await approve_card(scene.ctx, card, head, PERSON)
    assert (await approve_card(scene.ctx, card, tip, PERSON))["status"] == "done"


async def test_they_are_of_the_commit_that_was_seen(scene: Scene) -> None:
    repo, card, head = await reviewed(scene)
    shown = await apply_suggestions(scene.ctx, card, head, [FIX], PERSON)
    with pytest.raises(BranchMoved) as refused:
        await apply_suggestions(scene.ctx, card, head, [FIX], PERSON)
    assert refused.value.extra == {"head_sha": shown["head_sha"]}
    with pytest.raises(Invalid, match="like that already"):
        await apply_suggestions(scene.ctx, card, shown["head_sha"], [FIX], PERSON)
    assert (
        await scene.tip(repo, (await scene.card_row(card)).branch_name or "") == shown["head_sha"]
    )


@pytest.mark.parametrize(
    "wrong",
    [
        Suggestion("none.py", 1, 1, "x"),
        Suggestion("a.py", 9, 9, "x"),
        Suggestion("größe", 1, 1, "x"),
        Suggestion("../a.py", 1, 1, "x"),
    ],
)
async def test_what_is_no_line_of_the_branch_is_refused(scene: Scene, wrong: Suggestion) -> None:
    _, card, head = await reviewed(scene)
    with pytest.raises(Invalid):
        await apply_suggestions(scene.ctx, card, head, [wrong], PERSON)
    assert (await scene.card_row(card)).head_sha == head


async def test_only_a_card_in_review_takes_them(scene: Scene) -> None:
    _, card, head = await reviewed(scene)
    await approve_card(scene.ctx, card, head, PERSON)
    with pytest.raises(IllegalTransition):
        await apply_suggestions(scene.ctx, card, head, [FIX], PERSON)


async def test_a_crash_after_the_branch_moved_is_finished_at_start(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo, card, head = await reviewed(scene)

    async def crash(*_: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as broken:
        broken.setattr(move_head, "_confirm", crash)
        with pytest.raises(RuntimeError):
            await apply_suggestions(scene.ctx, card, head, [FIX], PERSON)
    await recover(scene.ctx)
    row = await scene.card_row(card)
    assert row.head_sha == await scene.tip(repo, row.branch_name or "") != head
