"""The loop with PostgreSQL instead of SQLite, and what happens when the one or the other server dies."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from acceptance.counting import (
    TICKS,
    grown,
    last_tick,
    let_go,
    one_running_two_queued,
    require_all_reviewable,
    ticks,
)
from acceptance.house import House, environment
from acceptance.play import Play
from acceptance.scenario import Scenario, load
from fakes.model_server import ModelServer
from support import postgres
from support.server import ServerProcess
from support.waiting import until

PLAYED = (
    "The scripted agent changes a file and deletes another",
    "A branch that moved after it was seen is not merged",
    "A fresh start leaves the rejected work behind",
    "A script that fails is told with its code and its work is kept",
    "What Claude forgot to commit is on the branch",
    "The base moved on with a conflict that the agent is told of",
)
"""Those that between them take every way through the database."""
SCENARIOS = [scenario for scenario in load() if scenario.name in PLAYED]


@pytest.fixture(scope="module")
def database() -> Iterator[postgres.Cluster]:
    """A PostgreSQL server that keeps what it has acknowledged when it is killed."""
    with postgres.cluster(settings=("fsync=off",)) as cluster:
        yield cluster


def address(database: postgres.Cluster, name: str) -> dict[str, str]:
    """The variable that a server gets for a new database."""
    url = database.create(name).set(drivername="postgresql")
    return {"LAZYAF_DATABASE_URL": url.render_as_string(hide_password=False)}


@pytest.fixture(scope="module")
def house(
    _machine: None,
    model: ModelServer,
    database: postgres.Cluster,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[House]:
    """A server for the scenarios."""
    root = tmp_path_factory.mktemp("house")
    variables = environment(model, **address(database, "scenarios"))
    with ServerProcess(root / "data", variables) as server:
        yield House(server, model, root)


def test_all_scenarios_are_there() -> None:
    assert len(SCENARIOS) == len(PLAYED)


@pytest.mark.claude
@pytest.mark.parametrize("scenario", SCENARIOS, ids=[each.name for each in SCENARIOS])
def test_scenario(house: House, scenario: Scenario) -> None:
    Play(house, scenario).run()
    assert house.board.get("/api/settings")["database"] == "postgresql"
    assert not (house.server.data_dir / "lazyaf.db").exists()


def test_a_server_that_is_killed_costs_nothing(
    build: Callable[..., House], database: postgres.Cluster
) -> None:
    house = build(runners=1, **address(database, "killed")).start()
    cards = one_running_two_queued(house)
    house.server.kill()
    grown(house.tree_of("counting"), house)
    house.start()
    house.board.wait_for_output(cards[0], f"tick {last_tick(house, cards[0]) + TICKS}")
    let_go(house)
    require_all_reviewable(house, cards)
    require_one_whole_count(house, cards[0])


def require_one_whole_count(house: House, card: str) -> None:
    """One attempt has counted without a gap or an echo, and no other was spent."""
    counted = ticks(house, card)
    assert list(counted) == [1], "an attempt was spent"
    assert counted[1] == list(range(1, len(counted[1]) + 1))
    assert f"counted {len(counted[1])}" in "\n".join(house.board.output(card))


class Person:
    """Someone who renames a card as fast as the server answers, and remembers what it said."""

    def __init__(self, house: House, card: str) -> None:
        self._url = f"{house.server.url}/api/cards/{card}"
        self._headers = {"Authorization": f"Bearer {house.server.token}"}
        self._is_done = threading.Event()
        self._thread = threading.Thread(target=self._rename)
        self.sent = 0
        self.acknowledged = 0
        self.statuses: list[int] = []

    def __enter__(self) -> Person:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._is_done.set()
        self._thread.join()

    def _rename(self) -> None:
        with httpx2.Client(headers=self._headers, timeout=30, trust_env=False) as client:
            while not self._is_done.is_set():
                self.sent += 1
                answer = client.patch(self._url, json={"title": f"Title {self.sent}"})
                self.statuses.append(answer.status_code)
                if answer.is_success:
                    self.acknowledged = self.sent

    def wait(self, status: int, count: int) -> None:
        """Until it has had this answer so many times more."""
        before = self.statuses.count(status)
        until(
            lambda: self.statuses.count(status) >= before + count,
            f"the server says {status}, instead of {set(self.statuses[-5:])}",
        )


def test_a_database_that_restarts_in_mid_job_costs_nothing(
    build: Callable[..., House], database: postgres.Cluster
) -> None:
    house = build(runners=1, **address(database, "restarted")).start()
    cards = one_running_two_queued(house)
    server, other = house.server.process.pid, house.script("shop", "Nobody starts me", "true")
    with Person(house, other) as person:
        person.wait(200, 5)
        for _ in range(2):
            database.stop()
            person.wait(503, 3)
            grown(house.tree_of("counting"), house)
            database.start()
            person.wait(200, 5)
    assert set(person.statuses) == {200, 503}, "what is away for a moment is no error of the server"
    title = house.board.card(other)["title"]
    known = [f"Title {number}" for number in range(person.acknowledged, person.sent + 1)]
    assert title in known, "what was acknowledged is there"

    house.board.wait_for_output(cards[0], f"tick {last_tick(house, cards[0]) + TICKS}")
    let_go(house)
    require_all_reviewable(house, cards)
    require_one_whole_count(house, cards[0])
    assert house.server.process.pid == server
    assert unexpected(house) == []


def unexpected(house: House) -> list[str]:
    """What the server met and did not expect."""
    said = house.server.log_path.read_text().splitlines()
    return [line for line in said if "] unexpected " in line or "Traceback" in line]


def test_two_servers_never_write_to_one_database(
    build: Callable[..., House], database: postgres.Cluster, tmp_path: Path
) -> None:
    """Also when the first one's lock went with the database's restart, and another server was quicker."""
    variables = address(database, "shared")
    first = build(runners=0, **variables).start()
    card = first.board.post("/api/demo")["card_id"]
    second = build(runners=0, **variables)
    with pytest.raises(AssertionError, match="Another LazyAF server uses this database"):
        second.start()
    database.stop()
    database.start()
    until(
        lambda: first.server.client.patch(f"/api/cards/{card}", json={"title": "Mine"}).is_success,
        "the first server is back",
    )
    with pytest.raises(AssertionError, match="Another LazyAF server"):
        second.start()
    assert first.board.patch(f"/api/cards/{card}", {"title": "Still mine"})["title"] == "Still mine"
