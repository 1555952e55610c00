"""``lazyaf card say`` and ``interrupt``: what a person tells an agent that is at work."""

from __future__ import annotations

import click

from lazyaf.cli.card.naming import card_arguments, find_card
from lazyaf.cli.client import Api, Json, client_command
from lazyaf.cli.failures import Failure
from lazyaf.cli.terminal import show_json


def _tell(api: Api, repo: str, number: int, command: str, body: Json | None, told: str) -> None:
    card = find_card(api, repo, number)
    if card["job_id"] is None:
        raise Failure(
            f"#{number} was never started, so there is no agent to hear you. Start it with `lazyaf "
            f"card start {repo} {number}`."
        )
    api.post(f"/api/jobs/{card['job_id']}/{command}", body)
    if api.as_json:
        show_json(card)
    else:
        click.echo(f"{told} See `lazyaf card log {repo} {number} --follow`.")


@click.command("say")
@card_arguments
@click.argument("text")
@client_command
def say(api: Api, repo: str, number: int, text: str) -> None:
    """Send a message to the agent that works on a card; it reads it at its next step."""
    _tell(api, repo, number, "message", {"text": text}, "Sent.")


@click.command("interrupt")
@card_arguments
@client_command
def interrupt(api: Api, repo: str, number: int) -> None:
    """Stop the agent's present step without ending the job; it waits for a message then."""
    _tell(api, repo, number, "interrupt", None, "Interrupted.")
