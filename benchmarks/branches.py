"""What it costs to list branches with their distance from the default one, and to read the history
by pages: in the server's own process and over HTTP."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.support.history import git

from benchmarks.ground import connect, server
from benchmarks.table import Figure, milliseconds, percentile
from lazyaf.git import log, refs
from lazyaf.git.storage import Storage

BRANCHES = 1_000
COMMITS = 10_000
PAGE = 200
RUNS = 20


async def measure() -> list[Figure]:
    """1,000 branches that left a history of 10,000 commits here and there."""
    with tempfile.TemporaryDirectory(prefix="lazyaf-bench-") as folder:
        source = _history(Path(folder) / "source")
        storage = Storage(Path(folder) / "store")
        repo_id = "01900000-0000-7000-8000-000000000001"
        await storage.create(repo_id, "main")
        git(source, "push", "-q", str(storage.path(repo_id)), "--all")
        git(storage.path(repo_id), "pack-refs", "--all")

        async def listing() -> None:
            found, _ = await refs.list_branches(storage, repo_id, "main")
            assert len(found) == BRANCHES + 1

        async def pages() -> None:
            cursor = None
            while True:
                page = await log.commits(storage, repo_id, "main", cursor, PAGE)
                cursor = page.next_cursor
                if cursor is None:
                    return

        cold = (await _time(listing, 1))[0]
        warm = await _time(listing, RUNS)
        walked = await _time(pages, 1)
        git(storage.path(repo_id), "commit-graph", "write", "--reachable")
        indexed = await _time(pages, 1)
        over_http = await _over_http(source)
    count = COMMITS // PAGE
    return [
        Figure(f"list {BRANCHES:,} branches, warm p50 / p99", milliseconds(warm), "≤ 50 ms"),
        Figure("… the first time after a move", f"{cold * 1e3:.0f} ms"),
        Figure("… over HTTP, all of them on two pages", f"{percentile(over_http, 0.5) * 1e3:.0f} ms"),
        Figure(
            f"a page of {PAGE} of {COMMITS:,} commits",
            f"{walked[0] / count * 1e3:.0f} ms, with a commit-graph {indexed[0] / count * 1e3:.0f} ms",
        ),
    ]  # fmt: skip


async def _time(call: Callable[[], Awaitable[Any]], runs: int) -> list[float]:
    samples = []
    for _ in range(runs):
        begun = time.perf_counter()
        await call()
        samples.append(time.perf_counter() - begun)
    return samples


async def _over_http(source: Path) -> list[float]:
    async with server() as running:
        wire = await connect(running)
        repo = await wire.call("POST", "/api/repos", {"name": "bench"})
        git(source, "push", "-q", str(running.data_dir / "git" / f"{repo['id']}.git"), "--all")

        async def listing() -> None:
            path, cursor = f"/api/repos/{repo['id']}/branches?limit=500", ""
            while cursor is not None:
                more = f"&cursor={cursor}" if cursor else ""
                cursor = (await wire.call("GET", path + more))["next_cursor"]

        await listing()
        samples = await _time(listing, RUNS)
        await wire.close()
    return samples


def _history(folder: Path) -> Path:
    """``main``, and branches of two commits each that left it at places all along it."""
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    stream = [_commit("main", n, n, None) for n in range(1, COMMITS + 1)]
    mark = COMMITS
    for number in range(BRANCHES):
        at = COMMITS - number * 7 % (COMMITS // 2)
        for step in range(2):
            mark += 1
            begin = at if step == 0 else None
            stream.append(_commit(f"lazyaf/{number}-topic", mark, at + step, begin))
    git(folder, "fast-import", "--quiet", stdin=b"".join(stream))
    return folder


def _commit(branch: str, mark: int, minute: int, begin: int | None) -> bytes:
    said = f"Change {mark}"
    head = (
        f"commit refs/heads/{branch}\nmark :{mark}\n"
        f"committer Ada <ada@example.org> {1_600_000_000 + minute * 60} +0000\n"
        f"data {len(said)}\n{said}\n"
    )
    base = f"from :{begin}\n" if begin is not None else ""
    return f"{head}{base}M 100644 inline f{mark % 97}\ndata 2\nx\n\n".encode()
