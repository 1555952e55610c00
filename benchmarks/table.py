"""A figure and the table of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, what was aimed at, and what an earlier implementation of the idea reached."""

    name: str
    value: str
    aim: str = ""
    earlier: str = ""


def percentile(samples: Sequence[float], share: float) -> float:
    """The value below which this share of the samples lies (nearest rank)."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def milliseconds(samples: Sequence[float]) -> str:
    """``p50 / p99`` of seconds, in milliseconds."""
    return f"{percentile(samples, 0.5) * 1e3:.1f} / {percentile(samples, 0.99) * 1e3:.1f} ms"


def show(figures: Sequence[Figure]) -> None:
    """Print the table."""
    table = Table(show_edge=False, pad_edge=False)
    for heading in ("figure", "measured", "aim", "earlier implementation"):
        table.add_column(heading)
    for figure in figures:
        table.add_row(figure.name, figure.value, figure.aim, figure.earlier)
    Console(width=120).print(table)
