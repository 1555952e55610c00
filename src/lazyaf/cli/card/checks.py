"""``lazyaf card checks`` and ``lazyaf card dequeue``: what the repository's checks say of a card, and its
place in the merge queue."""

from __future__ import annotations

import click

from lazyaf.cli.card.commands import give
from lazyaf.cli.card.naming import card_arguments, find_card
from lazyaf.cli.check_runs import show_runs
from lazyaf.cli.client import Api, client_command
from lazyaf.cli.terminal import show_json


@click.command(
    "checks",
    epilog="What a run printed: `lazyaf card log REPO NUMBER --job ID`, with the id from the list.",
)
@card_arguments
@click.option("--run", "is_run", is_flag=True, help="Run them once more, on the base as it is now.")
@client_command
def checks(api: Api, repo: str, number: int, is_run: bool) -> None:
    """List the runs of a card's checks, the newest first."""
    card = find_card(api, repo, number)
    path = f"/api/cards/{card['id']}/checks"
    if is_run:
        api.post(path)
    runs = list(api.pages(path))
    if api.as_json:
        show_json({"items": runs, "next_cursor": None})
    elif not runs:
        click.echo(f"#{number} has not been checked.")
    else:
        show_runs(runs, with_base=True)


@click.command("dequeue")
@card_arguments
@client_command
def dequeue(api: Api, repo: str, number: int) -> None:
    """Take an approved card out of the merge queue; it stays in review."""
    give(api, find_card(api, repo, number), "dequeue")
