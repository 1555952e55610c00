"""The git server beside ``file://`` and beside git's own HTTP server, interleaved in one run.

All of them serve the same repositories (copied, so that pushes do not meet). It is read as pushes
left it and as upkeep leaves it. Figures are medians; ratios are of medians.
"""

from __future__ import annotations

import asyncio
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import psutil
from tests.support.server import ServerProcess

from benchmarks import git_client, git_history
from benchmarks.git_client import Act, Desk
from benchmarks.git_history import basic_auth, environment, git
from benchmarks.ground import connect, server
from benchmarks.http_backend import MISSING, http_backend
from benchmarks.table import Figure, milliseconds
from lazyaf.git.maintenance import maintain
from lazyaf.git.storage import Storage

SERVER: Final = "server"
FILE: Final = "file"
BACKEND: Final = "http-backend"

CLONE: Final = "full clone, 75 MB"
FETCH: Final = "fetch of 10 commits"
LIST: Final = "ls-remote, 5,000 refs"

Medians = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Read:
    """A row of the table: median seconds per remote."""

    name: str
    seconds: Medians
    aim: str


@dataclass(frozen=True, slots=True)
class Remotes:
    """The URLs of one repository by who serves it."""

    urls: Mapping[str, str]

    def only(self, *names: str) -> Remotes:
        """Some of them."""
        return Remotes({name: url for name, url in self.urls.items() if name in names})


async def measure() -> list[Figure]:
    """Every row; about three minutes on two cores."""
    async with server() as running:
        wire = await connect(running)
        ids = [
            (await wire.call("POST", "/api/repos/ingest", {"name": name}))["id"]
            for name in ("bench", "refs")
        ]
        await wire.close()
        with tempfile.TemporaryDirectory(prefix="lazyaf-bench-git-") as folder:
            return await asyncio.to_thread(_measure, running, ids, Path(folder))


def _measure(running: ServerProcess, ids: list[str], room: Path) -> list[Figure]:
    store = running.data_dir / "git"
    big, refs = (store / f"{repo_id}.git" for repo_id in ids)
    git_history.fill(big)
    git_history.fill_with_refs(refs)
    desk = _desk(room, running, big)
    git_history.live_on(big)
    with http_backend(room / "served") as backend:
        big_at, refs_at = (_remotes(running, backend, room, path) for path in (big, refs))
        before = _look(desk, big_at.only(SERVER), refs_at.only(SERVER))
        asyncio.run(_maintain(store, ids))
        for path in (big, refs):
            _copy(path, room)
        figures = [] if backend else [Figure("http-backend", "not installed", MISSING)]
        reads = _reads(desk, big_at, refs_at)
        figures += [_row(read.name, read.seconds, read.aim) for read in reads]
        figures += _bought(before, reads)
        figures.append(_growth(desk, big_at, running))
        figures += _crowd(desk, big_at, running)
        return [*figures, *_pushes(desk, big_at)]


def _desk(room: Path, running: ServerProcess, big: Path) -> Desk:
    desk = Desk(room, environment(basic_auth(running.token)), room / "behind.git")
    source = f"file://{big}"
    args = ["clone", "-q", "--bare", "--single-branch", "-b", "behind", source, "behind.git"]
    git(room, desk.env, *args)
    git(desk.behind, desk.env, "branch", "-m", "behind", "main")
    return desk


def _remotes(running: ServerProcess, backend: str | None, room: Path, path: Path) -> Remotes:
    copy = _copy(path, room)
    urls = {SERVER: f"{running.url}/git/{path.name}", FILE: f"file://{copy}"}
    return Remotes(urls | ({BACKEND: f"{backend}/{path.name}"} if backend else {}))


def _copy(path: Path, room: Path) -> Path:
    copy = room / "served" / path.name
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(path, copy)
    return copy


async def _maintain(root: Path, ids: list[str]) -> None:
    storage = Storage(root)
    for repo_id in ids:
        await maintain(storage, repo_id)


def _rounds(desk: Desk, remotes: Remotes, act: Act, rounds: int) -> Medians:
    """The median seconds per remote, in turn, beginning with another one each time."""
    samples: dict[str, list[float]] = {name: [] for name in remotes.urls}
    order = list(remotes.urls)
    for number in range(rounds):
        for name in order[number % len(order) :] + order[: number % len(order)]:
            samples[name].append(act(desk, remotes.urls[name]))
    return {name: statistics.median(seconds) for name, seconds in samples.items()}


def _reads(desk: Desk, big: Remotes, refs: Remotes) -> list[Read]:
    rows: list[tuple[str, Remotes, Act, int, str]] = [
        (CLONE, big, git_client.clone, 3, "≤ 1.25 of file, ≤ 1.1 of http-backend"),
        (FETCH, big, git_client.fetch, 7, "≤ 1.35 of http-backend"),
        ("depth 1", big, git_client.clone_shallow, 3, ""),
        (LIST, refs, git_client.list_refs, 11, "≤ 1.35 of http-backend"),
    ]
    return [Read(name, _rounds(desk, at, act, n), aim) for name, at, act, n, aim in rows]


def _growth(desk: Desk, big: Remotes, running: ServerProcess) -> Figure:
    peak = _Peak(running.process.pid)
    peak.watch(lambda: git_client.clone(desk, big.urls[SERVER]))
    return Figure("server RSS growth in a full clone", f"{peak.growth / 1e6:.1f} MB", "none")


def _crowd(desk: Desk, big: Remotes, running: ServerProcess) -> list[Figure]:
    """Eight clones at once, and what a small request waits meanwhile; beside clones that the server
    has no part in, that is what this machine does by itself."""
    seconds: dict[str, float] = {}
    waits: dict[str, list[float]] = {}
    for name, url in big.urls.items():
        act = partial(git_client.clones_at_once, desk, url)
        seconds[name], waits[name] = _with_requests(running, act)
    return [
        _row("8 clones at once", seconds, "≤ 1.7 of file"),
        Figure("API p50 / p99 under 8 clones", milliseconds(waits[SERVER]), "p99 ≤ 40 ms"),
        Figure("API p50 / p99 beside 8 of file://", milliseconds(waits[FILE])),
    ]


def _with_requests(running: ServerProcess, act: Callable[[], float]) -> tuple[float, list[float]]:
    """Seconds of ``act``, and of each small request that was made beside it."""
    over = threading.Event()

    async def ask() -> list[float]:
        wire = await connect(running)
        request = wire.prepare("GET", "/api/repos")
        waits = []
        while not over.is_set():
            begun = time.perf_counter()
            await wire.send(request)
            waits.append(time.perf_counter() - begun)
            await asyncio.sleep(0.02)
        await wire.close()
        return waits

    waits: list[float] = []
    asking = threading.Thread(target=lambda: waits.extend(asyncio.run(ask())))
    asking.start()
    try:
        took = act()
    finally:
        over.set()
        asking.join()
    return took, waits


class _Peak:
    """How much larger a process becomes."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self.growth = 0

    def watch(self, act: Callable[[], object]) -> None:
        """Look every 10 ms while ``act`` goes on."""
        began, over = self._process.memory_info().rss, threading.Event()

        def look() -> None:
            while not over.wait(0.01):
                self.growth = max(self.growth, self._process.memory_info().rss - began)

        looking = threading.Thread(target=look)
        looking.start()
        try:
            act()
        finally:
            over.set()
            looking.join()


def _pushes(desk: Desk, big: Remotes) -> list[Figure]:
    return [
        _row("push of one commit", _rounds(desk, big, git_client.push_commit, 7), ""),
        _row("push of 50 MB", _rounds(desk, big, git_client.push_bulk, 3), ""),
    ]


def _look(desk: Desk, big: Remotes, refs: Remotes) -> dict[str, Medians]:
    """What upkeep changes."""
    return {
        CLONE: _rounds(desk, big, git_client.clone, 1),
        FETCH: _rounds(desk, big, git_client.fetch, 3),
        LIST: _rounds(desk, refs, git_client.list_refs, 5),
    }


def _bought(before: Mapping[str, Medians], reads: Sequence[Read]) -> list[Figure]:
    after = {read.name: read.seconds for read in reads}
    return [
        Figure(
            f"before → after upkeep: {name}",
            f"{seconds[SERVER] * 1e3:,.0f} → {after[name][SERVER] * 1e3:,.0f} ms",
        )
        for name, seconds in before.items()
    ]


def _row(name: str, seconds: Medians, aim: str) -> Figure:
    own = seconds[SERVER]
    ratios = [f"{own / other:.2f} of {who}" for who, other in seconds.items() if who != SERVER]
    return Figure(name, ", ".join([f"{own * 1e3:,.0f} ms", *ratios]), aim)
