"""The board: its JSON, its filters, its pages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from factories.scene import Scene
from lazyaf.domain.cards import CardStatus
from lazyaf.domain.events import PERSON
from lazyaf.domain.jobs import StopReason
from lazyaf.services.append_log import announce_progress
from lazyaf.services.cards import edit_card
from lazyaf.store.board import card_summary
from lazyaf.store.board_list import BoardFilter, list_summaries


async def test_the_boards_json_is_what_the_rows_say(scene: Scene) -> None:
    repo = await scene.repo()
    odd = 'quote " backslash \\ newline ü 日本 \u2028 </script>'
    await scene.card(repo, odd.replace("\n", " "), labels=["a", odd], priority=3)
    _, running = await scene.working(repo)
    await scene.log(running, 1, "hello")
    await scene.in_review(repo, {"readme.md": "theirs\n"})
    await scene.push(repo, "main", {"readme.md": "ours\n"})
    failed, job = await scene.working(repo)
    await scene.finish(job, StopReason.STALLED, error=odd)
    await scene.start(await scene.card(repo, "Queued"))
    await scene.db.write(announce_progress, running.job_id)
    text, after = await scene.db.read(list_summaries, BoardFilter(repo_id=repo))
    assert after is None
    listed = {card["id"]: card for card in json.loads(text)}
    for card_id, summary in listed.items():
        row = await scene.card_row(card_id)
        own = {name: summary[name] for name in summary if name not in ("live", "stopping")}
        expected = {name: getattr(row, name) for name in own}
        assert own == expected
        assert "description" not in summary
        live = summary["live"]
        if row.job_id is None:
            assert live is None
            continue
        open_job = await scene.job_row(row.job_id)
        assert live == {
            "job_id": open_job.id,
            "job_status": open_job.status,
            "phase": open_job.phase,
            "last_action": open_job.last_action,
            "queued_at": open_job.created_at,
            "started_at": open_job.started_at,
            "completed_at": open_job.completed_at,
            "queue_position": 1 if open_job.status == "queued" else None,
            "held_by": None,
            "attempt": open_job.attempt,
            "agent": open_job.agent,
            "cost_usd": None,
            "additions": row.additions,
            "deletions": row.deletions,
            "files": row.files,
            "mergeable": row.mergeable,
            "conflicts": row.conflicts,
            "behind": row.behind,
            "conflicts_with": row.conflicts_with,
            "uncompared": row.uncompared,
        }
        assert summary == await scene.db.read(card_summary, card_id)
    assert listed[failed]["failure"]["detail"] == odd
    assert await scene.told_cards() == listed


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"text": "LOGIN"}, {"Login"}),
        ({"text": "#2"}, {"100%"}),
        ({"text": "%"}, {"100%"}),
        ({"text": "9" * 30}, set()),
        ({"text": "9" * 5000}, set()),
        ({"text": "²"}, set()),
        ({"label": "ui"}, {"Login"}),
        ({"label": "u"}, set()),
        ({"agent": "claude"}, {"100%"}),
        ({"statuses": (CardStatus.DONE.value,)}, set()),
        ({"statuses": ("todo", "done")}, {"Login", "100%"}),
    ],
)
async def test_filters(scene: Scene, wanted: dict[str, Any], found: set[str]) -> None:
    repo = await scene.repo()
    await scene.card(repo, "Login", labels=["ui", "x"])
    await scene.card(repo, "100%", agent="claude")
    text, _ = await scene.db.read(list_summaries, BoardFilter(repo_id=repo, **wanted))
    assert {card["title"] for card in json.loads(text)} == found


async def test_pages_have_each_card_once(scene: Scene) -> None:
    repo = await scene.repo()
    ids = [await scene.card(repo) for _ in range(23)]
    seen: list[str] = []
    after = None
    while True:
        wanted = BoardFilter(repo_id=repo, limit=5, after=after)
        text, after = await scene.db.read(list_summaries, wanted)
        seen += [card["id"] for card in json.loads(text)]
        if after is None:
            break
    assert seen == ids[::-1]


async def test_a_list_after_a_list_shows_what_changed(scene: Scene) -> None:
    """Summaries are kept by the versions of what they show; each change must make them anew."""
    repo = await scene.repo()
    cards = [await scene.card(repo, title=f"Card {n}") for n in range(3)]

    async def listed() -> dict[str, dict[str, Any]]:
        text, _ = await scene.db.read(list_summaries, BoardFilter(repo_id=repo))
        return {card["id"]: card for card in json.loads(text)}

    async def is_right() -> None:
        shown = await listed()
        assert shown == {card: await scene.db.read(card_summary, card) for card in cards}

    await is_right()
    await scene.start(cards[0])
    await scene.start(cards[1])
    await is_right()
    assert (await listed())[cards[1]]["live"]["queue_position"] == 2
    job = await scene.claimed(await scene.runner())
    await is_right()
    await scene.log(job, 1, "hello")
    await scene.db.write(announce_progress, job.job_id)
    await is_right()
    assert (await listed())[cards[1]]["live"]["queue_position"] == 1
    edit = {"title": "Another", "priority": 3}
    await scene.db.write(edit_card, cards[2], edit, None, PERSON, scene.clock.now())
    await is_right()
