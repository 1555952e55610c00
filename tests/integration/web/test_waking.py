"""Runners that wait for a job over real HTTP: what wakes them, how many, and that nothing is missed.

Every wait here is longer than a test may take: who is not woken is not served.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from lazyaf.domain.jobs import StopReason
from lazyaf.domain.runners import RunnerEnd
from lazyaf.services.disk_room import watch_room
from lazyaf.services.reap import lose_runner
from lazyaf.web.routers import runner_v1
from support.app import Served, lease

LONG_S = 60.0
PATIENCE_S = 20.0
API = "/api/runner/v1"

Poll = asyncio.Task[httpx2.Response]


async def waiting(served: Served, count: int) -> None:
    """Until so many runners stand in the line."""
    async with asyncio.timeout(PATIENCE_S):
        while len(served.house.ctx.dispatcher._waiters) != count:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.005)


@dataclass
class Waiting:
    """Runners in their long polls, by the order in which they came."""

    served: Served
    polls: list[Poll] = field(default_factory=list)
    told: set[Poll] = field(default_factory=set)

    async def add(self, name: str, *agents: str) -> Poll:
        """One more runner that waits."""
        instance = await self.served.register(name, *agents)
        poll = asyncio.create_task(self.served.claim(instance, f"claim-{name}-0001", LONG_S))
        self.polls.append(poll)
        await waiting(self.served, len([p for p in self.polls if not p.done()]))
        return poll

    async def cards(self, count: int) -> list[str]:
        """The cards that the next so many are served with, whichever runner gets them and however
        early."""
        async with asyncio.timeout(PATIENCE_S):
            while len(done := {p for p in self.polls if p.done()} - self.told) < count:
                await asyncio.wait(
                    [p for p in self.polls if not p.done()], return_when=asyncio.FIRST_COMPLETED
                )
        self.told |= done
        return sorted(poll.result().json()["task"]["card_id"] for poll in done)

    async def settled(self) -> None:
        """Nobody is woken and has not looked yet: who is in the line waits."""
        await waiting(self.served, len([p for p in self.polls if not p.done()]))


@asynccontextmanager
async def line(served: Served) -> AsyncIterator[Waiting]:
    there = Waiting(served)
    try:
        yield there
    finally:
        served.house.ctx.dispatcher.drain()
        await asyncio.gather(*there.polls)


@contextmanager
def counted() -> Iterator[list[str]]:
    """Who looks into the queue."""
    looks: list[str] = []
    real = runner_v1.claim_job

    async def look(ctx: Any, instance: str, *rest: Any) -> Any:
        looks.append(instance)
        return await real(ctx, instance, *rest)

    runner_v1.claim_job = look
    try:
        yield looks
    finally:
        runner_v1.claim_job = real


async def started(served: Served, repo: str, **fields: Any) -> str:
    card_id: str = (await served.card(repo, start=True, **fields))["id"]
    return card_id


async def settings(served: Served, **changes: Any) -> None:
    assert (await served.person.patch("/api/settings", json=changes)).is_success


async def limit(served: Served, repo: str, wip: int | None) -> None:
    body = {"settings": {"wip_limit": wip}}
    assert (await served.person.patch(f"/api/repos/{repo}", json=body)).is_success


async def finish(served: Served, job: dict[str, Any]) -> None:
    answer = await served.runner.post(
        f"{API}/jobs/{job['job_id']}/finish",
        json={"stop_reason": StopReason.AGENT_FAILED.value},
        headers=lease(job),
    )
    assert answer.is_success, answer.text


async def test_a_claim_waits_and_wakes_and_gives_up(served: Served) -> None:
    repo = await served.repo()
    instance = await served.register()
    assert (await served.claim(instance, "claim-0001", wait=0.05)).status_code == 204
    async with line(served) as runners:
        await runners.add("a")
        card = await started(served, repo)
        assert await runners.cards(1) == [card]


async def test_one_job_wakes_one_runner_and_news_for_nobody_wakes_one(served: Served) -> None:
    repo = await served.repo()
    async with line(served) as runners:
        for number in range(6):
            await runners.add(f"r{number}")
        with counted() as looks:
            card = await started(served, repo)
            assert await runners.cards(1) == [card]
            assert looks == ["instance-r0"]
            looks.clear()
            await limit(served, repo, 5)  # there may be room, but there is no job
            await runners.settled()
            assert looks == ["instance-r1"]  # who can run what the others can


async def test_who_waits_in_vain_looks_once_and_sees_what_came_meanwhile(served: Served) -> None:
    repo = await served.repo()
    instance = await served.register()
    with counted() as looks:
        assert (await served.claim(instance, "claim-0001", wait=0.05)).status_code == 204
        assert looks == [instance]
    real = runner_v1.claim_job

    async def look_and_linger(*asked: Any) -> Any:
        runner_v1.claim_job = real
        found = await real(*asked)
        cards.append(await started(served, repo))  # it stands in no line yet
        return found

    cards: list[str] = []
    runner_v1.claim_job = look_and_linger
    try:
        async with asyncio.timeout(PATIENCE_S):
            job = (await served.claim(instance, "claim-0002", wait=LONG_S)).json()
    finally:
        runner_v1.claim_job = real
    assert [job["task"]["card_id"]] == cards


async def test_a_runner_that_leaves_passes_the_baton(served: Served) -> None:
    repo = await served.repo()
    first = await served.register("first")
    leaving = served.client(served.runner_token)
    body = {"instance_id": first, "claim_id": "claim-0001", "wait": LONG_S}
    gone = asyncio.create_task(leaving.post(f"{API}/claim", json=body))
    await waiting(served, 1)
    second = await served.register("second")
    polling = asyncio.create_task(served.claim(second, "claim-0002", wait=LONG_S))
    await waiting(served, 2)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    await leaving.aclose()
    await served.card(repo, start=True)
    async with asyncio.timeout(PATIENCE_S):
        assert (await polling).status_code == 200


async def test_a_card_whose_base_is_gone_keeps_nobody_waiting(served: Served) -> None:
    repo = await served.repo()
    await served.scene.push(repo, "next", {"a": "b"})
    instance = await served.register()
    lost = await started(served, repo, base_branch="next")
    card = await started(served, repo)
    await served.house.ctx.git.git(repo, ["update-ref", "-d", "refs/heads/next"])
    async with asyncio.timeout(PATIENCE_S):
        assert (await served.claim(instance, "claim-0001", wait=LONG_S)).status_code == 204
        job = (await served.claim(instance, "claim-0002", wait=LONG_S)).json()
    assert job["task"]["card_id"] == card
    assert (await served.person.get(f"/api/cards/{lost}")).json()["status"] == "failed"


# A limit has room again: each way, one runner is free for what it held

Release = Callable[[Served, str, dict[str, Any]], Awaitable[None]]


async def by_finishing(served: Served, _repo: str, job: dict[str, Any]) -> None:
    await finish(served, job)


async def by_cancelling_what_hangs(served: Served, _repo: str, job: dict[str, Any]) -> None:
    path = f"/api/jobs/{job['job_id']}/cancel"
    assert (await served.person.post(path)).is_success
    await lose_runner(served.house.ctx, "busy", RunnerEnd.SENT_AWAY)


async def by_raising_the_limit(served: Served, repo: str, _job: dict[str, Any]) -> None:
    await limit(served, repo, 2)


async def by_taking_the_limit_away(served: Served, repo: str, _job: dict[str, Any]) -> None:
    await limit(served, repo, None)


async def by_the_file(served: Served, repo: str, _job: dict[str, Any]) -> None:
    config = {".lazyaf/config.toml": "[limits]\nwip = 2\n"}
    await served.scene.push(repo, "main", config)


@pytest.mark.parametrize(
    "release",
    [
        by_finishing,
        by_cancelling_what_hangs,
        by_raising_the_limit,
        by_taking_the_limit_away,
        by_the_file,
    ],
)
async def test_room_in_a_repository_wakes_a_runner(served: Served, release: Release) -> None:
    repo = await served.repo()
    await limit(served, repo, 1)
    busy = await served.register("busy")
    await started(served, repo)
    job = (await served.claim(busy, "claim-busy")).json()
    card = await started(served, repo)
    async with line(served) as runners:
        await runners.add("free")
        await release(served, repo, job)
        assert await runners.cards(1) == [card]


async def test_room_for_an_agent_wakes_a_runner(served: Served) -> None:
    repo = await served.repo()
    await settings(served, agent_limits={"script": 1})
    busy = await served.register("busy")
    await started(served, repo)
    job = (await served.claim(busy, "claim-busy")).json()
    cards = [await started(served, repo) for _ in range(2)]
    async with line(served) as runners:
        await runners.add("a")
        await settings(served, agent_limits={"script": 2})
        assert await runners.cards(1) == [cards[0]]
        await runners.add("b")
        await finish(served, job)
        assert await runners.cards(1) == [cards[1]]


async def test_a_lost_runners_job_and_its_room_both_wake_someone(served: Served) -> None:
    """The job itself is for an agent that nobody waiting has; another of the repository has room."""
    repo = await served.repo()
    await limit(served, repo, 1)
    busy = await served.register("busy", "claude")
    lost = await started(served, repo, agent="claude")
    assert (await served.claim(busy, "claim-busy")).status_code == 200
    await served.register("offers-script", "script")
    card = await started(served, repo)
    async with line(served) as runners:
        await runners.add("script-only", "script")
        await lose_runner(served.house.ctx, "busy", RunnerEnd.DIED)
        assert await runners.cards(1) == [card]
    live = (await served.person.get(f"/api/cards/{lost}")).json()["live"]
    assert (live["job_status"], live["held_by"]) == ("queued", "no_runner")


async def test_one_word_of_room_serves_as_many_as_there_is_room_for(served: Served) -> None:
    repo = await served.repo()
    await limit(served, repo, 1)
    busy = await served.register("busy")
    await started(served, repo)
    assert (await served.claim(busy, "claim-busy")).status_code == 200
    cards = [await started(served, repo) for _ in range(4)]
    async with line(served) as runners:
        for number in range(4):
            await runners.add(f"r{number}")
        with counted() as looks:
            await limit(served, repo, 4)
            assert await runners.cards(3) == cards[:3]
            await runners.settled()
            assert len(looks) == 4  # three found one, the fourth found that there is no more room


async def test_runners_are_woken_when_a_pause_ends(served: Served) -> None:
    repo = await served.repo()
    async with line(served) as runners:
        await runners.add("a")
        await runners.add("b")
        await settings(served, claims_paused=True)
        cards = [await started(served, repo) for _ in range(2)]
        await runners.settled()
        live = (await served.person.get(f"/api/cards/{cards[1]}")).json()["live"]
        assert (live["queue_position"], live["held_by"]) == (2, "paused")
        await settings(served, claims_paused=False)
        assert await runners.cards(2) == cards


async def test_runners_are_woken_when_the_disk_has_room(served: Served) -> None:
    repo = await served.repo()
    ctx = served.house.ctx
    async with line(served) as runners:
        await runners.add("a")
        ctx.room.reserve = 2**62
        await watch_room(ctx.db, ctx.room)
        card = await started(served, repo)
        await runners.settled()
        assert (await served.person.get(f"/api/cards/{card}")).json()["live"]["held_by"] == "disk"
        ctx.room.reserve = 0  # the housekeeping will see that
        assert await runners.cards(1) == [card]


async def test_the_queue_of_a_repository_tells_where_its_cards_stand(served: Served) -> None:
    repo, other = await served.repo("one"), await served.repo("two")
    cards = [await started(served, r) for r in (repo, other, repo, repo)]
    path = "/api/repos/one/queue"
    first = (await served.person.get(path, params={"limit": 2})).json()
    rest = {"limit": 2, "cursor": first["next_cursor"]}
    last = (await served.person.get(path, params=rest)).json()
    assert last["next_cursor"] is None
    found = [*first["items"], *last["items"]]
    assert [item["card_id"] for item in found] == [cards[0], cards[2], cards[3]]
    for item in found:
        card = (await served.person.get(f"/api/cards/{item['card_id']}")).json()
        live = card["live"]
        assert item == {
            "card_id": card["id"],
            **{name: live[name] for name in ("job_id", "queue_position", "held_by")},
        }
    assert [item["queue_position"] for item in found] == [1, 3, 4]
    assert (await served.person.get("/api/repos/nope/queue")).status_code == 404
