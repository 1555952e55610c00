"""Everything about jobs, on SQLite and on PostgreSQL side by side: waking, claiming, logs, the feed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from tests.support import postgres

from benchmarks import append, claim, fanout, follow, long_log, queue
from benchmarks.table import Figure

PARTS = (claim, queue, append, long_log, follow, fanout)
DURABLE = ("synchronous_commit=on",)
"""A cluster that forgets nothing, like the SQLite file beside it."""


async def measure() -> list[Figure]:
    """Each part on one database, then on the other."""
    figures: list[Figure] = []
    with _cluster() as cluster:
        for part in PARTS:
            name = part.__name__.rpartition(".")[2]
            print(f"… jobs: {name}", file=sys.stderr, flush=True)
            found = await part.measure()
            if cluster is not None:
                url = cluster.create(name)
                there = await part.measure(url)
                found = [
                    replace(here, postgresql=other.value)
                    for here, other in zip(found, there, strict=True)
                ]
            figures += found
    return figures


@contextmanager
def _cluster() -> Iterator[postgres.Cluster | None]:
    """A throwaway cluster; None where PostgreSQL is not installed."""
    try:
        postgres.binaries()
    except pytest.skip.Exception:
        yield None
        return
    with postgres.cluster(DURABLE) as cluster:
        yield cluster
