"""Runs the benchmarks named on the command line, or all, and prints one table."""

from __future__ import annotations

import importlib
import os
import platform
import sys

import uvloop

from benchmarks.table import Figure, show

ALL = ("jobs", "patch", "board", "branches", "git", "second_job", "cancel", "memory")


def main() -> None:
    """Run, collect, print."""
    wanted = sys.argv[1:] or ALL
    figures: list[Figure] = []
    for name in wanted:
        print(f"… {name}", file=sys.stderr, flush=True)
        module = importlib.import_module(f"benchmarks.{name}")
        figures += uvloop.run(module.measure())
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
          f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}")  # fmt: skip
    show(figures)


main()
