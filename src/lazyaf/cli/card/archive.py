"""``lazyaf card archive``, ``unarchive`` and ``duplicate``."""

from __future__ import annotations

import click

from lazyaf.cli.card.commands import give
from lazyaf.cli.card.naming import CardNumber, card_arguments, find_card
from lazyaf.cli.client import Api, Json, client_command
from lazyaf.cli.terminal import one_line, plural, show_json


@click.command(
    "archive",
    epilog="Examples: `lazyaf card archive shop 12`; `lazyaf card archive shop --done`. "
    "`lazyaf card list shop --archived` shows what was archived.",
)
@click.argument("repo")
@click.argument("number", type=CardNumber(), required=False)
@click.option("--done", is_flag=True, help="Every card in Done.")
@client_command
def archive(api: Api, repo: str, number: int | None, done: bool) -> None:
    """Take a done card off the board, or every one with --done."""
    if (number is None) != done:
        raise click.UsageError("Name a card by its number, or all done ones by --done.")
    if number is not None:
        _tell(api, find_card(api, repo, number), "archive", "is in the archive")
        return
    answer = api.post(f"/api/repos/{api.repo(repo)['id']}/cards/archive-done")
    if api.as_json:
        show_json(answer)
    else:
        click.echo(f"Archived {plural(answer['archived'], 'card')}.")


@click.command("unarchive")
@card_arguments
@client_command
def unarchive(api: Api, repo: str, number: int) -> None:
    """Bring an archived card back to Done."""
    give(api, find_card(api, repo, number), "unarchive")


@click.command("duplicate")
@card_arguments
@client_command
def duplicate(api: Api, repo: str, number: int) -> None:
    """Make a card that says the same, at the top of To Do."""
    _tell(api, find_card(api, repo, number), "duplicate", f"is a copy of #{number}")


def _tell(api: Api, card: Json, command: str, what: str) -> None:
    now: Json = api.post(f"/api/cards/{card['id']}/{command}")
    if api.as_json:
        show_json(now)
    else:
        click.echo(f"#{now['number']} {one_line(now['title'])} {what}.")
