"""The live feed: nothing missed, nothing twice, and nobody waits for the slow (R11)."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import websockets

from support.app import Served


class Socket:
    """A client of the feed."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def read(self) -> dict[str, Any]:
        async with asyncio.timeout(20):
            heard: dict[str, Any] = json.loads(await self.connection.recv())
            return heard

    async def begin(self, after: str | None) -> list[str]:
        """Say where to go on; the types that come before the events."""
        await self.connection.send(json.dumps({"after": after}))
        heard = [(await self.read())["type"]]
        while heard[-1] != "hello":
            heard.append((await self.read())["type"])
        return heard


def connect(served: Served) -> Any:
    url = served.url.replace("http", "ws") + "/ws"
    token = f"lazyaf.token.{served.token}"
    # However much has come by: a client that no longer reads takes ten seconds to close.
    return websockets.connect(url, subprotocols=["lazyaf", token], proxy=None, max_queue=None)


async def test_reconnecting_misses_nothing_and_gets_nothing_twice(served: Served) -> None:
    repo = await served.repo()
    first = (await served.person.get(f"/api/repos/{repo}/cards")).json()["cursor"]
    chance = random.Random(7)
    heard: list[dict[str, Any]] = []

    async def write() -> None:
        for number in range(120):
            await served.card(repo, title=f"Card {number}")

    async def listen() -> None:
        cursor = first
        while len(heard) < 120:
            async with connect(served) as connection:
                socket = Socket(connection)
                assert await socket.begin(cursor) == ["hello"]
                for _ in range(chance.randint(1, 12)):
                    if len(heard) == 120:
                        break
                    heard.append(await socket.read())
                    cursor = heard[-1]["cursor"]

    await asyncio.gather(write(), listen())
    ids = [event["id"] for event in heard]
    assert ids == sorted(set(ids))
    titles = [event["data"]["card"]["title"] for event in heard]
    assert titles == [f"Card {number}" for number in range(120)]
    assert {(event["type"], event["family"]) for event in heard} == {
        ("card.created", "card_updated")
    }


async def test_a_cursor_that_is_worth_nothing_begins_anew(served: Served) -> None:
    repo = await served.repo()
    await served.card(repo)
    epoch = served.house.ctx.epoch
    last = (await served.person.get(f"/api/repos/{repo}/cards")).json()["cursor"]
    number = int(last.partition(":")[2])

    async def begins(cursor: str | None) -> list[str]:
        async with connect(served) as connection:
            return await Socket(connection).begin(cursor)

    assert await begins(None) == ["hello"]
    assert await begins(last) == ["hello"]
    for worthless in ("other:1", f"{epoch}:{number + 1}", f"{epoch}:x", f"{epoch}:{'9' * 30}", ""):
        assert await begins(worthless) == ["reset", "hello"], worthless
    from lazyaf.store.tables import events

    await served.db.write(
        lambda tx: tx.execute(events.delete().where(events.c.id < number)).rowcount
    )
    assert await begins(f"{epoch}:1") == ["reset", "hello"]
    assert await begins(f"{epoch}:{number - 1}") == ["hello"]


async def test_nonsense_is_answered_with_a_goodbye(served: Served) -> None:
    for nonsense in ("x", "[]", '{"after": 3}', "[" * 60_000, b"\x00"):
        async with connect(served) as connection:
            await connection.send(nonsense)
            await connection.wait_closed()
            assert connection.close_code == 1003
    async with connect(served) as connection:
        socket = Socket(connection)
        await socket.begin(None)
        await connection.send(b"\x00 binary is none of our business")
        await served.repo()
        assert (await socket.read())["type"] == "repo.created"


async def test_who_does_not_read_is_dropped_and_the_others_get_everything(served: Served) -> None:
    repo = await served.repo()
    feed = served.house.state.feed
    async with connect(served) as reading:
        socket = Socket(reading)
        await socket.begin(None)
        stuck = await feed.subscribe()  # a socket whose sender never gets rid of anything
        amount = 300
        bodies = [f"Card {number}" for number in range(amount)]
        await asyncio.gather(*(served.card(repo, title=title) for title in bodies))
        heard = [(await socket.read())["data"]["card"]["title"] for _ in range(amount)]
        assert sorted(heard) == sorted(bodies)
        assert stuck.dropped.is_set()
        feed.unsubscribe(stuck)


async def test_whoever_asks_is_told_that_the_server_is_there(served: Served) -> None:
    async with connect(served) as connection:
        socket = Socket(connection)
        await socket.begin(None)
        await connection.send('{"type": "ping"}')
        assert await socket.read() == {"type": "pong"}


async def test_a_server_that_leaves_says_so(served: Served) -> None:
    async with connect(served) as connection:
        await Socket(connection).begin(None)
        await served.house.state.feed.stop()
        await connection.wait_closed()
        assert connection.close_code == 1012
