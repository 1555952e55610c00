"""``lazyaf card attach``, and what ``card add --attach`` does with its files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from lazyaf.cli.card.naming import card_arguments, find_card
from lazyaf.cli.client import Api, Json, client_command
from lazyaf.cli.failures import Failure
from lazyaf.cli.terminal import one_line, plural, show_json, size

FILE: Final = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


@click.command("attach", epilog="Example: `lazyaf card attach shop 12 screenshot.png trace.log`.")
@card_arguments
@click.argument("files", nargs=-1, required=True, type=FILE)
@client_command
def attach(api: Api, repo: str, number: int, files: tuple[Path, ...]) -> None:
    """Attach FILES to a card; its agent gets them when it starts next."""
    card = find_card(api, repo, number)
    made = attach_files(api, card["id"], files)
    if api.as_json:
        show_json({"items": made})
        return
    for each in made:
        click.echo(f"{one_line(each['name'])} ({size(each['size'])}) is attached to #{number}.")


def attach_files(api: Api, card_id: str, files: Sequence[Path]) -> list[Json]:
    """One after the other; what the server has of them. Raises a `Failure` that says which one was refused
    and what was attached before it."""
    if not files:
        return []
    path = f"/api/cards/{card_id}/attachments"
    most = api.get(path)["limits"]["file"]
    made: list[Json] = []
    for file in files:
        try:
            # A server that refuses it may close the connection before it has read it.
            if file.stat().st_size > most:
                raise Failure(f"It has more than the {size(most)} that a file may have.")
            made.append(api.upload(path, file, name=file.name))
        except (Failure, OSError) as error:
            said = error.format_message() if isinstance(error, Failure) else str(error)
            before = f" {plural(len(made), 'file')} before it came through." if made else ""
            raise Failure(f"“{file.name}” is not attached: {said}{before}") from None
    return made


def attached(api: Api, card: Json) -> str:
    """A card's files in a line: ``shot.png (12 kB), trace.log (3 MB)``."""
    items = api.get(f"/api/cards/{card['id']}/attachments")["items"]
    return ", ".join(f"{each['name']} ({size(each['size'])})" for each in items)
