"""A default branch that turns red: the one card that is opened, told and closed."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from factories.checked import LINT, TESTS, Checked
from factories.scene import Scene
from lazyaf.domain.cards import CardCommand
from lazyaf.domain.events import PERSON
from lazyaf.domain.jobs import StopReason
from lazyaf.services import red_branch
from lazyaf.services.approve_card import approve_card
from lazyaf.services.cancel_job import cancel_card
from lazyaf.services.cards import delete_card, edit_card
from lazyaf.services.check_branch import check_branch
from lazyaf.services.context import Context
from lazyaf.services.red_branch import follow_branch
from lazyaf.services.red_words import Blame, look_up
from lazyaf.services.repositories import show_repo
from lazyaf.services.start_card import RunRequest, start_card
from lazyaf.store.cards import CardRow
from lazyaf.store.check_runs import CheckRunRow
from lazyaf.store.tables import cards
from lazyaf.store.tx import Tx


@pytest.fixture
def checked(scene: Scene) -> Checked:
    return Checked(scene)


def all_cards(tx: Tx, repo_id: str) -> list[CardRow]:
    query = select(cards).where(cards.c.repo_id == repo_id).order_by(cards.c.number)
    return [CardRow(**row._mapping) for row in tx.execute(query)]


async def known(scene: Scene, repo: str) -> dict[str, Any]:
    found: dict[str, Any] = (await scene.db.read(show_repo, repo))["default_checks"]
    return found


async def push(scene: Scene, checked: Checked, repo: str, text: str) -> str:
    sha = await scene.push(repo, "main", {"pushed.txt": text})
    await checked.settled()
    return sha


async def green(checked: Checked, **settings: Any) -> str:
    """A repository whose default branch has just passed."""
    repo = await checked.repo([TESTS, LINT], default_checks="open_card", agent="script", **settings)
    await checked.end(await checked.claim())
    return repo


async def turned_red(scene: Scene, checked: Checked, repo: str) -> tuple[CardRow, str]:
    """The card that a push which breaks the default branch opens, and that push."""
    sha = await push(scene, checked, repo, "broken")
    await checked.end(await checked.claim(), "tests")
    [card] = await scene.db.read(all_cards, repo)
    return card, sha


async def test_a_branch_that_turns_red_opens_a_card(scene: Scene, checked: Checked) -> None:
    repo = await green(checked)
    passed = await scene.tip(repo, "main")
    assert passed is not None
    first = scene.commit(repo, {"first.txt": "1"}, [passed], "add `tea` <b>now</b>")
    await scene.set_ref(repo, "refs/heads/main", first)
    card, sha = await turned_red(scene, checked, repo)
    assert (card.title, card.labels, card.status) == (
        "main is red: tests failed",
        ["red branch"],
        "todo",
    )
    assert card.job_id is None
    job_id = (await known(scene, repo))["job_id"]
    for words in (
        f"The checks of `main` do not pass at `{sha[:10]}`, “change” by Someone.",
        f"Since `{passed[:10]}`, which passed:",
        f"- `{first[:10]}` “add \\`tea\\` \\<b\\>now\\</b\\>” by Someone",
        "**tests** exited with code 1:\n\n```sh\nmake test\n```",
        "```text\ntests said no\n```",
        f"[The log of the checks](/r/{repo}/checks/{job_id})",
    ):
        assert words in card.description
    assert "lint" not in card.description
    assert (await known(scene, repo))["card"] == {
        "id": card.id,
        "number": card.number,
        "repo_id": repo,
        "title": card.title,
    }
    assert (await scene.told_cards())[card.id]["status"] == "todo"


async def test_one_card_for_one_red_period_that_tells_of_the_newest_commit(
    scene: Scene, checked: Checked
) -> None:
    repo = await green(checked)
    card, sha = await turned_red(scene, checked, repo)
    mine = f"My own words.\n\n{card.description}"
    await scene.db.write(edit_card, card.id, {"description": mine}, None, PERSON, "2026-01-01")
    for at, failing in ((2, "lint"), (3, "lint")):
        newer = await push(scene, checked, repo, f"broken {at}")
        await checked.end(await checked.claim(), failing)
    [told] = await scene.db.read(all_cards, repo)
    assert told.id == card.id
    assert told.description.startswith("My own words.\n\nThe checks of `main`")
    assert f"do not pass at `{newer[:10]}`" in told.description
    assert f"It has been red since `{sha[:10]}`." in told.description
    assert told.description.count("**lint**") == 1
    assert "**tests**" not in told.description
    # Looking again tells nothing twice.
    version = told.version
    await scene.look(repo)
    await scene.look(repo)
    assert (await scene.card_row(card.id)).version == version


async def test_a_card_that_nobody_began_is_closed_when_it_is_green_again(
    scene: Scene, checked: Checked
) -> None:
    repo = await green(checked)
    card, _ = await turned_red(scene, checked, repo)
    mended = await push(scene, checked, repo, "mended")
    await checked.end(await checked.claim())
    row = await scene.card_row(card.id)
    assert row.status == "done"
    assert row.description.startswith(f"> `main` is green again at `{mended[:10]}`")
    assert "so it was closed" in row.description
    assert "tests said no" in row.description
    stands = await known(scene, repo)
    assert (stands["state"], stands["red_since"], stands["card"]) == ("passed", None, None)
    # The next time is another period, with another card.
    await push(scene, checked, repo, "broken again")
    await checked.end(await checked.claim(), "tests")
    [_, second] = await scene.db.read(all_cards, repo)
    assert second.status == "todo"
    assert mended[:10] not in second.description  # there is one commit since, and no list of it


async def test_a_card_that_was_begun_is_left_and_told(scene: Scene, checked: Checked) -> None:
    repo = await green(checked)
    card, _ = await turned_red(scene, checked, repo)
    await start_card(scene.ctx, card.id, CardCommand.START, RunRequest(), PERSON)
    await push(scene, checked, repo, "mended")
    await checked.end(await checked.claim())
    row = await scene.card_row(card.id)
    assert row.status == "in_progress"
    assert "Look whether this card is still needed." in row.description
    assert (await known(scene, repo))["card"] is None


async def test_the_agents_fix_turns_it_green(scene: Scene, checked: Checked) -> None:
    repo = await green(checked)
    card, _ = await turned_red(scene, checked, repo)
    await scene.start(card.id)
    job = await scene.claimed(await scene.runner())
    head = await scene.work(job, {"pushed.txt": "mended"})
    await scene.finish(job, head_sha=head)
    await checked.settled()
    await checked.end(await checked.claim())
    await approve_card(scene.ctx, card.id, head, PERSON)
    await checked.settled()
    stands = await known(scene, repo)
    assert (stands["state"], stands["red_since"]) == ("passed", None)
    assert await checked.is_idle()  # it was checked before it was merged
    row = await scene.card_row(card.id)
    assert (row.status, "green again" in row.description) == ("done", False)


async def test_a_fix_that_did_not_help_gets_another_card(scene: Scene, checked: Checked) -> None:
    repo = await green(checked)
    card, _ = await turned_red(scene, checked, repo)
    await scene.start(card.id)
    job = await scene.claimed(await scene.runner())
    await scene.finish(job, StopReason.NO_CHANGES)
    row = await scene.card_row(card.id)
    await approve_card(scene.ctx, card.id, row.head_sha or "", PERSON)
    await checked.settled()
    await scene.look(repo)
    assert len(await scene.db.read(all_cards, repo)) == 1  # nothing new was heard
    await push(scene, checked, repo, "broken still")
    await checked.end(await checked.claim(), "tests")
    [done, second] = await scene.db.read(all_cards, repo)
    assert (done.status, second.status) == ("done", "todo")
    assert "It has been red since" in second.description


async def test_a_card_that_was_deleted_is_not_opened_again(scene: Scene, checked: Checked) -> None:
    repo = await green(checked)
    card, _ = await turned_red(scene, checked, repo)
    await scene.db.write(delete_card, card.id, PERSON)
    await push(scene, checked, repo, "broken still")
    await checked.end(await checked.claim(), "tests")
    assert await scene.db.read(all_cards, repo) == []
    assert (await known(scene, repo))["card"] is None


async def test_the_agent_begins_at_once_where_the_settings_say_so(
    scene: Scene, checked: Checked
) -> None:
    repo = await green(checked, fix_rounds=1)
    await checked.settings(repo, default_checks="start_card")
    card, _ = await turned_red(scene, checked, repo)
    row = await scene.card_row(card.id)
    assert (row.status, row.fix_rounds) == ("in_progress", 0)  # it has its rounds before it
    # A person who stops it is obeyed.
    await cancel_card(scene.ctx, card.id, PERSON)
    await scene.look(repo)
    assert (await scene.card_row(card.id)).status == "todo"


async def test_without_the_setting_no_card_is_opened_until_it_says_so(
    scene: Scene, checked: Checked
) -> None:
    repo = await green(checked)
    await checked.settings(repo, default_checks="check")
    await push(scene, checked, repo, "broken")
    await checked.end(await checked.claim(), "tests")
    assert await scene.db.read(all_cards, repo) == []
    assert (await known(scene, repo))["red_since"] is not None
    await checked.settings(repo, default_checks="open_card")
    assert len(await scene.db.read(all_cards, repo)) == 1


async def test_a_run_that_came_to_nothing_is_neither_red_nor_green(
    scene: Scene, checked: Checked
) -> None:
    repo = await green(checked)
    await push(scene, checked, repo, "unknown")
    await scene.finish(await checked.claim(), StopReason.SETUP_FAILED, error="npm is missing")
    await checked.settled()
    assert await scene.db.read(all_cards, repo) == []
    card, _ = await turned_red(scene, checked, repo)
    await push(scene, checked, repo, "unknown again")
    await scene.finish(await checked.claim(), StopReason.SETUP_FAILED, error="npm is missing")
    await checked.settled()
    assert (await scene.card_row(card.id)).status == "todo"
    assert (await known(scene, repo))["red_since"] is not None


async def test_running_them_once_more_may_clear_it(scene: Scene, checked: Checked) -> None:
    """Where a check fails now and then."""
    repo = await green(checked)
    card, _ = await turned_red(scene, checked, repo)
    await check_branch(scene.ctx, repo, PERSON)
    await checked.end(await checked.claim())
    assert (await scene.card_row(card.id)).status == "done"


async def test_a_crash_between_the_result_and_the_card_opens_it_once(
    scene: Scene, checked: Checked
) -> None:
    """The result is in the database; the next look, also of another process, does the rest."""
    repo = await green(checked)
    await push(scene, checked, repo, "broken")
    job = await checked.claim()
    scene.db.on_commit.clear()  # the process that would have followed it is gone
    await checked.end(job, "tests")
    assert await scene.db.read(all_cards, repo) == []
    await scene.look(repo)
    await scene.look(repo)
    await follow_branch(scene.ctx, repo)
    assert len(await scene.db.read(all_cards, repo)) == 1


async def test_what_passed_while_its_commits_were_looked_up_opens_no_card(
    scene: Scene, checked: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = await green(checked)
    await push(scene, checked, repo, "broken")
    job = await checked.claim()
    scene.db.on_commit.clear()
    await checked.end(job, "tests")

    async def late(ctx: Context, run: CheckRunRow, green_sha: str | None) -> Blame:
        await check_branch(ctx, repo, PERSON)
        await checked.end(await checked.claim())
        return await look_up(ctx, run, green_sha)

    monkeypatch.setattr(red_branch, "look_up", late)
    await follow_branch(scene.ctx, repo)
    assert await scene.db.read(all_cards, repo) == []
    assert (await known(scene, repo))["state"] == "passed"


async def test_two_looks_at_once_open_one_card(scene: Scene, checked: Checked) -> None:
    import asyncio

    repo = await green(checked)
    await push(scene, checked, repo, "broken")
    job = await checked.claim()
    scene.db.on_commit.clear()
    await checked.end(job, "tests")
    await asyncio.gather(*(follow_branch(scene.ctx, repo) for _ in range(4)))
    assert len(await scene.db.read(all_cards, repo)) == 1
