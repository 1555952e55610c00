"""The figures behind ``/metrics``."""

from __future__ import annotations

from lazyaf.store.jobs import count_by_status
from lazyaf.store.runners import list_runners
from lazyaf.store.tx import Tx


def figures(tx: Tx) -> tuple[dict[str, int], dict[str, int]]:
    """Open jobs by status, and runners by status."""
    runners: dict[str, int] = {}
    for runner in list_runners(tx):
        runners[runner.status] = runners.get(runner.status, 0) + 1
    return count_by_status(tx), runners
