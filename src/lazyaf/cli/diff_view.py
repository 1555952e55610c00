"""Shows a diff in a terminal: its figures, or its lines."""

from __future__ import annotations

from typing import Final

import click

from lazyaf.cli.client import Json
from lazyaf.cli.terminal import one_line, plain, plural

_COLOURS: Final = {"+": "green", "-": "red"}


def show_stat(diff: Json, *, err: bool = False) -> None:
    """A line per file and the sum."""
    for file in diff["files"]:
        name = one_line(file["path"])
        if file["old_path"] and file["old_path"] != file["path"]:
            name = f"{one_line(file['old_path'])} → {name}"
        figures = "binary" if file["binary"] else f"+{file['additions']} -{file['deletions']}"
        click.echo(f"  {file['status']:<12} {figures:>12}  {name}", err=err)
    total = f"+{diff['additions']} -{diff['deletions']} in {plural(len(diff['files']), 'file')}"
    click.echo(f"  {total}", err=err)


def show_diff(diff: Json) -> None:
    """Every hunk of every file."""
    for file in diff["files"]:
        click.secho(f"{file['status']} {one_line(file['path'])}", bold=True)
        for hunk in file["hunks"]:
            click.secho(one_line(hunk["header"]), fg="cyan")
            for sign, text in hunk["lines"]:
                click.secho(f"{sign}{plain(text)}", fg=_COLOURS.get(sign))
