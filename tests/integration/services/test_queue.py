"""The queue: whose turn it is, where a card stands, what holds it, and that looking is cheap."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import insert, text

from factories.scene import BASE_FILES, Scene
from lazyaf.domain.cards import CardCommand
from lazyaf.domain.events import PERSON
from lazyaf.domain.jobs import StopReason
from lazyaf.domain.ports import Disk
from lazyaf.services.cards import edit_card
from lazyaf.services.disk_room import LOOK_EVERY_S, DiskRoom, watch_room
from lazyaf.services.edit_repo import edit_repo
from lazyaf.services.move_card import move_card, place_card
from lazyaf.services.reap import reap
from lazyaf.services.runners import drain_runner, show_runners
from lazyaf.services.settings import edit_settings
from lazyaf.store import holds, next_job, queue
from lazyaf.store.board import card_summary
from lazyaf.store.board_list import BoardFilter, list_summaries
from lazyaf.store.database import SqlDatabase
from lazyaf.store.tables import cards, jobs, repos


async def started(scene: Scene, repo: str, **fields: Any) -> str:
    card = await scene.card(repo, **fields)
    await scene.start(card)
    return card


async def turns(scene: Scene, count: int) -> list[str]:
    """The cards that as many new runners get, one after the other."""
    runners = [await scene.runner() for _ in range(count)]
    return [(await scene.claimed(runner)).task.card_id for runner in runners]


async def stand(scene: Scene, *cards: str) -> list[tuple[int, str | None]]:
    """Place and hold of each card, which lists say like the card itself."""
    text, _ = await scene.db.read(list_summaries, BoardFilter())
    listed = {card["id"]: card for card in json.loads(text)}
    found = []
    for card in cards:
        shown = await scene.db.read(card_summary, card)
        assert listed[card] == shown
        found.append((shown["live"]["queue_position"], shown["live"]["held_by"]))
    return found


async def place(scene: Scene, card: str, **where: str) -> None:
    before, after = where.get("before"), where.get("after")
    await scene.db.write(place_card, card, before, after, PERSON, scene.clock.now())


async def prioritise(scene: Scene, card: str, priority: int) -> None:
    change = {"priority": priority}
    await scene.db.write(edit_card, card, change, None, PERSON, scene.clock.now())


async def limit(scene: Scene, repo: str, wip: int | None) -> None:
    changes = {"settings": {"wip_limit": wip}}
    await edit_repo(scene.ctx, repo, changes, if_match=None, actor=PERSON)


# Whose turn it is


async def test_first_started_first_served_across_repositories(scene: Scene) -> None:
    one, other = await scene.repo(), await scene.repo()
    cards = [await started(scene, repo) for repo in (one, other, one, other, one)]
    assert await stand(scene, *cards) == [(n, "no_runner") for n in range(1, 6)]
    await scene.runner("a")
    assert await stand(scene, *cards) == [(n, None) for n in range(1, 6)]
    assert await turns(scene, 5) == cards


async def test_priority_goes_before_position(scene: Scene) -> None:
    repo = await scene.repo()
    cards = [await started(scene, repo, priority=p) for p in (0, 2, 4, 2)]
    assert await turns(scene, 4) == [cards[2], cards[1], cards[3], cards[0]]


async def test_a_started_card_stands_at_the_end_of_its_column(scene: Scene) -> None:
    repo = await scene.repo()
    cards = [await started(scene, repo) for _ in range(3)]
    text, _ = await scene.db.read(list_summaries, BoardFilter(repo_id=repo))
    assert [card["id"] for card in json.loads(text)] == cards


async def test_a_card_that_is_dragged_in_its_column_is_dragged_in_the_queue(scene: Scene) -> None:
    repo = await scene.repo()
    a, b, c, d = [await started(scene, repo) for _ in range(4)]
    await place(scene, d, before=b)
    await place(scene, a, after=c)
    await scene.runner("a")
    assert await stand(scene, d, b, c, a) == [(n, None) for n in range(1, 5)]
    assert await turns(scene, 4) == [d, b, c, a]


async def test_dragging_to_the_top_makes_a_card_the_next_one(scene: Scene) -> None:
    one, other = await scene.repo(), await scene.repo()
    cards = [await started(scene, repo) for repo in (one, one, other, one)]
    await place(scene, cards[3], before=cards[0])
    assert await turns(scene, 4) == [cards[3], cards[0], cards[1], cards[2]]


async def test_a_card_dropped_into_the_column_waits_where_it_was_dropped(scene: Scene) -> None:
    repo = await scene.repo()
    first, second = await started(scene, repo), await started(scene, repo)
    new = await scene.card(repo)
    shown = await move_card(scene.ctx, new, "in_progress", second, None, PERSON)
    assert shown["live"]["queue_position"] == 2
    late = await scene.card(repo)
    gone = await scene.card(repo)  # never was in the column: a drop is a start all the same
    shown = await move_card(scene.ctx, late, "in_progress", None, gone, PERSON)
    assert shown["status"] == "in_progress"
    assert await turns(scene, 4) == [first, new, second, late]


async def test_the_one_queue_keeps_its_order_when_a_column_has_no_room_left(scene: Scene) -> None:
    one, other = await scene.repo(), await scene.repo()
    a, x, b, y = [await started(scene, repo) for repo in (one, other, one, other)]
    moved, still = await started(scene, one), await started(scene, one)
    for _ in range(40):  # halves the same gap
        await place(scene, moved, after=a)
        moved, still = still, moved
    told = await scene.told_cards()
    for card in (a, x, b, y, moved, still):
        assert told[card]["position"] == (await scene.card_row(card)).position
    assert await turns(scene, 6) == [a, still, moved, x, b, y]


async def test_a_job_that_is_queued_again_keeps_its_place_and_the_last_word(scene: Scene) -> None:
    repo = await scene.repo()
    first, second = await started(scene, repo), await started(scene, repo)
    lost = [await scene.claimed(await scene.runner()) for _ in range(2)]
    third = await started(scene, repo)
    await place(scene, first, after=second)  # while both run
    await prioritise(scene, second, 1)
    await prioritise(scene, second, 0)
    scene.clock.advance(11)
    await reap(scene.ctx)
    assert [job.task.card_id for job in lost] == [first, second]
    assert await turns(scene, 3) == [second, first, third]


async def test_a_retry_begins_at_the_end(scene: Scene) -> None:
    repo = await scene.repo()
    failed = await started(scene, repo)
    await scene.finish(await scene.claimed(await scene.runner()), StopReason.AGENT_FAILED)
    waiting = await started(scene, repo)
    await scene.start(failed, CardCommand.RETRY)
    assert await turns(scene, 2) == [waiting, failed]


async def test_a_priority_is_also_that_of_the_job_that_waits(scene: Scene) -> None:
    repo = await scene.repo()
    await scene.runner("a")
    first, second = await started(scene, repo), await started(scene, repo)
    await prioritise(scene, second, 4)
    assert await stand(scene, first, second) == [(2, None), (1, None)]
    assert await turns(scene, 2) == [second, first]


# What holds a card


async def test_a_repository_at_its_limit_holds_nobody_else(scene: Scene) -> None:
    repo = await scene.repo(files={**BASE_FILES, ".lazyaf/config.toml": "[limits]\nwip = 1\n"})
    other = await scene.repo()
    cards = [await started(scene, r) for r in (repo, repo, other, repo, other)]
    running = await scene.claimed(await scene.runner())
    assert running.task.card_id == cards[0]
    assert await stand(scene, *cards[1:]) == [
        (1, "repo_limit"),
        (1, None),
        (2, "repo_limit"),
        (2, None),
    ]
    assert await turns(scene, 2) == [cards[2], cards[4]]
    assert await scene.claim(await scene.runner()) is None
    await scene.finish(running, StopReason.AGENT_FAILED)
    assert await stand(scene, cards[1], cards[3]) == [(1, None), (2, None)]
    assert await turns(scene, 1) == [cards[1]]
    await limit(scene, repo, 3)  # the file has the last word
    assert await scene.claim(await scene.runner()) is None


async def test_an_agent_at_its_limit_holds_nobody_else(scene: Scene) -> None:
    repo = await scene.repo()
    await scene.db.write(edit_settings, {"agent_limits": {"script": 1}}, PERSON)
    agents = ("script", "script", "claude", "script")
    cards = [await started(scene, repo, agent=agent) for agent in agents]
    running = await scene.claimed(await scene.runner())
    assert await stand(scene, *cards[1:]) == [(1, "agent_limit"), (1, None), (2, "agent_limit")]
    assert await turns(scene, 1) == [cards[2]]
    assert await scene.claim(await scene.runner()) is None
    await scene.finish(running, StopReason.AGENT_FAILED)
    assert await turns(scene, 1) == [cards[1]]


async def test_a_card_says_when_no_runner_can_run_its_agent(scene: Scene) -> None:
    repo = await scene.repo()
    card, other = await started(scene, repo, agent="claude"), await started(scene, repo)
    await scene.runner("only-script", agents=["script"])
    assert await stand(scene, card, other) == [(1, "no_runner"), (1, None)]
    await scene.runner("leaving", agents=["claude"])
    assert await stand(scene, card, other) == [(1, None), (2, None)]
    await scene.db.write(drain_runner, "leaving")
    assert await stand(scene, card) == [(1, "no_runner")]
    scene.clock.advance(31)
    await reap(scene.ctx)
    scene.clock.advance(31)
    await reap(scene.ctx)
    assert {runner["status"] for runner in await scene.db.read(show_runners)} == {"offline"}
    assert await stand(scene, card, other) == [(1, "no_runner"), (1, "no_runner")]


async def test_paused_nothing_is_given_out_and_the_order_stays(scene: Scene) -> None:
    repo = await scene.repo()
    await scene.runner("a")
    cards = [await started(scene, repo) for _ in range(2)]
    await scene.db.write(edit_settings, {"claims_paused": True}, PERSON)
    assert await stand(scene, *cards) == [(1, "paused"), (2, "paused")]
    assert await scene.claim(await scene.runner()) is None
    await scene.db.write(edit_settings, {"claims_paused": False}, PERSON)
    assert await turns(scene, 2) == cards


async def test_below_the_disks_reserve_nothing_is_given_out_but_an_answer_again(
    scene: Scene,
) -> None:
    repo = await scene.repo()
    runner = await scene.runner()
    running, card = await started(scene, repo), await started(scene, repo)
    job = await scene.claim(runner, "claim-whose-answer-is-lost")
    free = [0]
    folder = scene.ctx.git.path(repo)
    room = DiskRoom(lambda: [Disk((folder,), 1000, free[0])], 500, scene.clock.monotonic)
    await watch_room(scene.db, room)
    assert await stand(scene, card) == [(1, "disk")]
    assert await scene.claim(await scene.runner()) is None
    assert await scene.claim(runner, "claim-whose-answer-is-lost") == job
    free[0] = 500
    for _ in range(2):
        scene.clock.advance(LOOK_EVERY_S + 0.1)
        await watch_room(scene.db, room)
    assert await stand(scene, card) == [(1, None)]
    types = await scene.event_types()
    assert [t for t in types if t.startswith("disk")] == ["disk.ran_low", "disk.has_room"]
    assert await turns(scene, 1) == [card]
    assert job is not None
    assert job.task.card_id == running


# That looking is cheap

LONG = 5_000


def fill(tx: Any, now: str) -> None:
    """A long queue, most of it of one repository, which is at its limit."""
    times = {"created_at": now, "updated_at": now}
    names = [f"repo-{number:03}" for number in range(20)]
    new = {"default_branch": "main", "is_ingested": True, "settings": {}, "file_settings": {}}
    tx.execute(
        insert(repos),
        [
            {"id": n, "name": n, "wip_limit": 1 if n == names[0] else None, **new, **times}
            for n in names
        ],
    )
    card = {"title": "t", "status": "in_progress", "labels": [], "agent_options": {}}
    rows = [(n, names[0] if n < 0.9 * LONG else names[1 + n % 19]) for n in range(LONG)]
    tx.execute(
        insert(cards),
        [
            {"id": f"card-{n}", "repo_id": r, "number": n, "position": n, "conflicts": [],
             **card, **times}
            for n, r in rows
        ],
    )  # fmt: skip
    tx.execute(
        insert(jobs),
        [
            {"id": f"job-{n:06}", "repo_id": r, "card_id": f"card-{n}", "position": n,
             "agent": "script", "status": "queued" if n else "running", "request": {},
             "created_at": now}
            for n, r in rows
        ],
    )  # fmt: skip
    if tx.dialect == "postgresql":
        tx.execute(text("ANALYZE"))


STATEMENTS = {
    "next": (next_job._FIRST_OF_AGENT, {"agent": "script", "count": 8}),
    "next elsewhere": (next_job._FIRST_ELSEWHERE, {"agent": "script", "without": ["repo-000"]}),
    "who is full": (holds._FULL_REPOS, {}),
    "the end": (queue._LAST, {}),
}


@pytest.mark.parametrize("name", STATEMENTS)
async def test_a_look_into_a_long_queue_reads_an_index_and_sorts_nothing(
    db: SqlDatabase, dialect: str, clock: Any, name: str
) -> None:
    statement, values = STATEMENTS[name]
    await db.write(fill, clock.now())
    found = await db.write(first_turn)
    assert found is not None
    assert found.job.id == f"job-{int(0.9 * LONG):06}"
    plan = await db.write(explain, dialect, statement, values)
    if dialect == "sqlite":
        touched = [line for line in plan if " jobs" in line or " other" in line or " cards" in line]
        assert touched
        assert all("SEARCH" in line for line in touched), plan
    else:
        assert not [line for line in plan if "Seq Scan on jobs" in line], plan
        assert not [line for line in plan if "Seq Scan on cards" in line], plan
    sorts = [line for line in plan if "TEMP B-TREE" in line or "->  Sort" in line]
    assert len(sorts) <= (name == "next elsewhere"), plan  # the heads of the repositories


def first_turn(tx: Any) -> next_job.Turn | None:
    """What a runner of the scripted agent would get."""
    turns = next_job.Turns(tx, 1, rooms={}, settle=lambda: None)
    return turns.take(["script"], next_job.Scope(None, images_matter=False))


def explain(tx: Any, dialect: str, statement: Any, values: dict[str, Any]) -> list[str]:
    """The plan of a statement, line by line."""
    sql = statement.params(values).compile(
        dialect=tx.conn.dialect,
        compile_kwargs={"literal_binds": True, "render_postcompile": True},
    )
    verb = "EXPLAIN QUERY PLAN" if dialect == "sqlite" else "EXPLAIN"
    return [str(row[-1]) for row in tx.conn.exec_driver_sql(f"{verb} {sql}")]
