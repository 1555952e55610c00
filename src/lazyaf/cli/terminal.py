"""What commands write: JSON, tables, and text of others made safe for a terminal."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Final

import click

# A terminal obeys escape sequences, and titles and logs are written by agents.
_SEQUENCE: Final = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-~]?"
)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """The text without anything that a terminal would obey; line breaks and tabs stay."""
    return _CONTROL.sub("", _SEQUENCE.sub("", text.replace("\r\n", "\n")))


def one_line(text: str) -> str:
    """`plain`, on one line."""
    return " ".join(plain(text).split())


def show_json(value: object) -> None:
    """Print a value as JSON for a program to read."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def show_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows below headings; the last column takes what room there is."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    is_terminal = sys.stdout.isatty()
    table = Table(box=None, pad_edge=False, header_style="bold", expand=False)
    for heading in headings:
        table.add_column(heading, no_wrap=not is_terminal, overflow="fold")
    for row in rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    # Nobody's width is known behind a pipe, and a cut cell is of no use there.
    Console(file=sys.stdout, width=None if is_terminal else 1000, highlight=False).print(table)


def someone_is_there() -> bool:
    """Whether there is a person to ask."""
    return sys.stdin.isatty()


def plural(count: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def size(count: int) -> str:
    """A number of bytes in three digits and decimal units: ``999 bytes``, ``1.23 MB``, ``34 GB``."""
    amount, units = float(count), ["TB", "GB", "MB", "kB", "bytes"]
    while amount >= 999.5 and len(units) > 1:
        amount /= 1000
        units.pop()
    said = f"{amount:.3g}" if amount < 999.5 else f"{amount:,.0f}"
    return "1 byte" if count == 1 else f"{said} {units[-1]}"
