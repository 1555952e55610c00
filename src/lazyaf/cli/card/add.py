"""``lazyaf card add``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import click

from lazyaf.cli.card.attach import FILE, attach_files
from lazyaf.cli.card.template import begin_with
from lazyaf.cli.client import Api, Json, client_command
from lazyaf.cli.failures import Failure, Refused
from lazyaf.cli.terminal import one_line, show_json

PRIORITIES: Final = ("none", "low", "medium", "high", "urgent")


class Priority(click.ParamType[int]):
    """A priority by its name or its number."""

    name = "priority"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """0 for none … 4 for urgent."""
        word = str(value).lower()
        if word in PRIORITIES:
            return PRIORITIES.index(word)
        if word not in ("0", "1", "2", "3", "4"):
            self.fail(f"“{value}” is none of {', '.join(PRIORITIES)}.", param, ctx)
        return int(word)


@click.command(
    "add",
    epilog="Examples: `lazyaf card add shop -t 'Sort orders by date' --start`; "
    "`lazyaf card add shop -t 'Tidy up' --command 'npm run format && git commit -am Format'`; "
    "`lazyaf card add shop -t 'A long one' -d - < wish.md`; "
    "`lazyaf card add shop --template bug -t 'Totals are off by a cent'`.",
)
@click.argument("repo")
@click.option("--title", "-t", help="What shall be done, in a line.")
@click.option("--description", "-d", help="More about it, Markdown; - reads stdin.")
@click.option(
    "--template",
    help="Begin with what this one of the repository's templates says; options count more.",
)
@click.option("--agent", "-a", help="Who works on it [the repository's agent].")
@click.option("--command", "script", help="The shell command of the scripted agent.")
@click.option("--model", help="The model of the agent `claude`.")
@click.option("--label", "-l", "labels", multiple=True, help="May be given several times.")
@click.option(
    "--priority",
    "-p",
    type=Priority(),
    metavar="|".join(PRIORITIES),
    help="How much it matters.",
)
@click.option("--base", "base_branch", help="The branch to begin at and merge into.")
@click.option(
    "--attach", "files", multiple=True, type=FILE, help="A file for the agent; several times."
)
@click.option("--start", is_flag=True, help="Start it at once.")
@client_command
def add(
    api: Api,
    repo: str,
    title: str | None,
    description: str | None,
    template: str | None,
    agent: str | None,
    script: str | None,
    model: str | None,
    labels: tuple[str, ...],
    priority: int | None,
    base_branch: str | None,
    files: tuple[Path, ...],
    start: bool,
) -> None:
    """Add a card to REPO (an id or a name)."""
    if script is not None and agent not in (None, "script"):
        raise click.UsageError("--command is for the scripted agent: leave --agent out.")
    if script is not None and model is not None:
        raise click.UsageError("The scripted agent has no --model.")
    options = {"command": script, "model": model}
    said = {
        "title": title,
        "description": sys.stdin.read() if description == "-" else description,
        "agent": "script" if script is not None else agent,
        "agent_options": {name: value for name, value in options.items() if value is not None},
        "labels": list(labels),
        "priority": priority,
        "base_branch": base_branch,
    }
    if template is None and title is None:
        raise click.UsageError("Say what shall be done: --title, or a --template that has one.")
    found = api.repo(repo)
    body = begin_with(api, found, template, said)
    card = api.post(f"/api/repos/{found['id']}/cards", body)
    _attach(api, found, card, files)
    if start:
        card = _start(api, card)
    if api.as_json:
        show_json(card)
        return
    click.echo(
        f"#{card['number']} {one_line(card['title'])} is {card['status'].replace('_', ' ')}."
    )
    click.echo(f"{api.server}/r/{found['name']}/c/{card['number']}")


def _attach(api: Api, repo: Json, card: Json, files: tuple[Path, ...]) -> None:
    """Attach to what was added. If one is refused the card stays, not started, and is named."""
    try:
        attach_files(api, card["id"], files)
    except Failure as failure:
        raise Failure(
            f"#{card['number']} was added, and not started. {failure.format_message()} Attach it with "
            f"`lazyaf card attach {repo['name']} {card['number']} FILE`."
        ) from None


def _start(api: Api, card: Json) -> Json:
    """Start what was added. If that is refused the card stays, and is named, to be put right."""
    try:
        started: Json = api.post(f"/api/cards/{card['id']}/start")
    except Refused as refused:
        raise Failure(
            f"#{card['number']} was added but not started: {refused.format_message()}"
        ) from None
    return started
