"""A figure and the table of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, what was aimed at, and what an earlier implementation of the idea reached.
    ``value`` is on SQLite, ``postgresql`` the same there, where it was asked for."""

    name: str
    value: str
    aim: str = ""
    earlier: str = ""
    postgresql: str = ""


def percentile(samples: Sequence[float], share: float) -> float:
    """The value below which this share of the samples lies (nearest rank)."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def milliseconds(samples: Sequence[float]) -> str:
    """``p50 / p99`` of seconds, in milliseconds."""
    return f"{percentile(samples, 0.5) * 1e3:.1f} / {percentile(samples, 0.99) * 1e3:.1f} ms"


def show(figures: Sequence[Figure]) -> None:
    """Print the table, without columns that nothing stands in."""
    columns = {
        "figure": [figure.name for figure in figures],
        "measured": [figure.value for figure in figures],
        "on PostgreSQL": [figure.postgresql for figure in figures],
        "aim": [figure.aim for figure in figures],
        "earlier implementation": [figure.earlier for figure in figures],
    }
    filled = {heading: cells for heading, cells in columns.items() if any(cells)}
    table = Table(*filled, show_edge=False, pad_edge=False)
    for row in zip(*filled.values(), strict=True):
        table.add_row(*row)
    Console(width=140).print(table)
