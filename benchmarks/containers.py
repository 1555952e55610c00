"""A pool of containers: how soon it is ready, how soon an agent in it begins, how soon a dead container's job is
elsewhere, how many containers of one job come and go, what an idle one takes, and what the images are.

Needs root, or a Docker engine that answers; not part of ``make bench`` without names.
"""

from __future__ import annotations

import asyncio
import base64
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from acceptance.containers.fleet import UNTIL_GO, Fleet
from acceptance.house import environment
from benchmarks.table import Figure, milliseconds
from fakes.model_server import ModelServer
from lazyaf.pools.docker.ahead import CELLS
from support.engine import Engine, engine
from support.images import Built, base_image, image
from support.server import ServerProcess

READY: Final = 8
CLICKS: Final = 30
DEATHS: Final = 10
LARGE_FILES: Final = 1000
LARGE_CLICKS: Final = 5
JOBS: Final = 40
SLOTS: Final = 4
WAIT_S: Final = 120.0
LOOK_S: Final = 0.03
"""Between two looks: each costs the server some of what is measured."""
REPO: Final = "bench"
UNITS: Final = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


async def measure() -> list[Figure]:
    """With an engine of its own where none answers, and images that are built when they are not there."""
    return await asyncio.to_thread(_measure)


def _measure() -> list[Figure]:
    with engine() as found, found.used():
        base, runner, egress = base_image(found), image(found, "runner"), image(found, "egress")
        figures = [
            _of_image(found, "base image", base),
            _of_image(found, "image of runners", runner),
            _of_image(found, "image of proxy and relay", egress),
        ]
        with _fleet(found, runner.tag, egress.tag) as fleet:
            figures += [Figure(f"0 → {READY} runners, right after the start", _ready(fleet))]
        with _fleet(found, runner.tag, egress.tag) as fleet:
            figures += [*_warm(fleet), _begins(fleet), _death(fleet), _churn(fleet)]
        for cached in (False, True):
            least = "50" if cached else "0"
            with _fleet(found, runner.tag, egress.tag, LAZYAF_RUNNER_CACHE_MB=least) as fleet:
                figures.append(_large(fleet, cached=cached))
    return figures


def _of_image(found: Engine, name: str, built: Built) -> Figure:
    size = int(found.inspect(built.tag)["Size"]) / 1e6
    took = f"built in {built.seconds:.0f} s" if built.seconds else "was there"
    return Figure(name, f"{size:,.0f} MB, {took}")


@contextmanager
def _fleet(found: Engine, runner: str, egress: str, **variables: str) -> Iterator[Fleet]:
    """A server whose pool has no containers yet, and a small repository."""
    with (
        tempfile.TemporaryDirectory(prefix="lazyaf-bench-") as folder,
        ModelServer() as model,
    ):
        known = {
            **environment(model),
            "LAZYAF_RUNNER_IMAGE": runner,
            "LAZYAF_EGRESS_IMAGE": egress,
            "LAZYAF_DOCKER_HOST": found.host,
            **variables,
        }
        options = ("--pool", "docker", "--runners", "0")
        root = Path(folder)
        fleet = Fleet(ServerProcess(root / "data", known, *options), model, root, found)
        try:
            fleet.start()
            fleet.repository(REPO)
            yield fleet
        finally:
            fleet.end()


def _ready(fleet: Fleet) -> str:
    """From nothing to eight that wait for jobs."""
    _until(lambda: fleet.pool()["available"])
    begun = time.perf_counter()
    _scale(fleet, READY)
    _until(lambda: len(fleet.runners("idle")) == READY)
    return f"{time.perf_counter() - begun:.2f} s"


def _warm(fleet: Fleet) -> list[Figure]:
    """How soon they are there once the pool has made its networks, and what each takes then."""
    _until(lambda: len(fleet.networks()) == 1 + CELLS)
    ready = _ready(fleet)
    words = ("stats", "--no-stream", "--format", "{{.MemUsage}}", *fleet.containers())
    taken = [_bytes(line) for line in fleet.engine.docker(*words).splitlines()]
    return [
        Figure(f"0 → {READY} runners ready", ready, "≤ 3 s"),
        Figure("memory per idle runner", f"{statistics.mean(taken) / 1e6:.0f} MB"),
    ]


def _begins(fleet: Fleet) -> Figure:
    """From the click on Start until the agent's process runs; its own clock is this machine's."""
    samples = [_click(fleet, REPO, READY) for _ in range(CLICKS)]
    return Figure(
        "click → agent in a warm container, p50 / p99", milliseconds(samples), "p50 ≤ 400 ms"
    )


def _click(fleet: Fleet, repo: str, idle: int) -> float:
    """Seconds, once so many runners wait."""
    _until(lambda: len(fleet.runners("idle")) == idle)
    card = fleet.script(repo, "Click", "date +%s.%N")
    begun = time.time()
    fleet.board.command(card, "start")
    fleet.board.wait_for(card, "in_review", seconds=WAIT_S)
    log = fleet.board.log(fleet.board.job(card)["id"])
    (said,) = [entry["text"] for entry in log if entry["kind"] == "stdout"]
    return float(said) - begun


def _large(fleet: Fleet, *, cached: bool) -> Figure:
    """The same for a large repository: over HTTP into a warm container, or in one with its cache."""
    chance = random.Random(1)
    text = (base64.b64encode(chance.randbytes(75_000)).decode() for _ in range(LARGE_FILES))
    fleet.repository("large", files={f"{n}.txt": each for n, each in enumerate(text)})
    _scale(fleet, 1)
    _click(fleet, "large", 1)
    if cached:
        words = (
            "--filter",
            f"label=lazyaf.server={fleet.id}",
            "--filter",
            "label=lazyaf.role=cache",
        )
        _until(lambda: fleet.engine.docker("ps", "-aq", "--filter", "exited=0", *words))
    samples = [_click(fleet, "large", 1) for _ in range(LARGE_CLICKS)]
    name = f"click → agent, a repository of {LARGE_FILES * 75 / 1000:.0f} MB"
    how = "with its cache" if cached else "over HTTP"
    return Figure(f"{name}, {how}, p50 / p99", milliseconds(samples))


def _death(fleet: Fleet) -> Figure:
    """From the ``docker kill`` of a container whose agent works until another runner has its job."""
    samples = []
    for number in range(DEATHS):
        _until(lambda: len(fleet.runners("idle")) == READY)
        card = fleet.script(REPO, f"Death {number}", UNTIL_GO)
        fleet.board.command(card, "start")
        _, container = fleet.at_work(card)
        begun = time.perf_counter()
        fleet.engine.docker("kill", "--signal", "KILL", container)
        _until(lambda card=card: fleet.board.job(card)["attempt"] == 2)
        samples.append(time.perf_counter() - begun)
        _, container = fleet.at_work(card)
        fleet.go(container)
        fleet.board.wait_for(card, "in_review")
    return Figure(
        "kill -9 of a busy container → its job runs elsewhere, p50 / p99",
        milliseconds(samples),
        "≤ 2 s",
    )


def _churn(fleet: Fleet) -> Figure:
    """Jobs that end at once, each in a container of its own."""
    _scale(fleet, SLOTS)
    _until(lambda: len(fleet.runners("idle")) == SLOTS)
    cards = [fleet.script(REPO, f"Job {number}", "true") for number in range(JOBS)]
    begun = time.perf_counter()
    for card in cards:
        fleet.board.command(card, "start")
    for card in cards:
        fleet.board.wait_for(card, "in_review", seconds=WAIT_S)
    rate = JOBS / (time.perf_counter() - begun) * 60
    return Figure(f"containers of one job, {SLOTS} at once", f"{rate:.0f} a minute")


def _scale(fleet: Fleet, count: int) -> None:
    fleet.board.post("/api/runners/scale", {"pool": "docker", "count": count})


def _until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("The pool does not come to rest.")
        time.sleep(LOOK_S)


def _bytes(usage: str) -> float:
    """The first number of ``57.2MiB / 4GiB``."""
    word = usage.split("/", maxsplit=1)[0].strip()
    return float(word[:-3]) * UNITS[word[-3:]]
