"""``lazyaf card request-changes``: another round, with a message and with comments on lines."""

from __future__ import annotations

import re
from typing import Any, Final

import click

from lazyaf.cli.card.commands import give
from lazyaf.cli.card.naming import card_arguments, find_card
from lazyaf.cli.client import Api, Json, client_command

_COMMENT: Final = re.compile(
    r"(?P<path>.+?):(?:(?P<line>\d{1,9})(?:-(?P<end>\d{1,9}))?:)?\s*(?P<body>(?![\d-]+:?\s*$)\S.*)",
    re.DOTALL,
)


class Comment(click.ParamType[Json]):
    """``PATH:LINE: TEXT`` as `grep -n` has it, ``PATH:LINE-LINE: TEXT`` or, about the whole file,
    ``PATH: TEXT``; what the API takes."""

    name = "path:line: text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Json:
        """Take it apart; the server knows whether there is such a line."""
        if isinstance(value, dict):
            return value
        found = _COMMENT.fullmatch(value.strip())
        if found is None:
            self.fail(f"“{value}” is not like “src/cart.py:12: Round only once.”", param, ctx)
        start, end = found["line"], found["end"]
        place = {} if start is None else {"line": int(end or start)}
        if end is not None:
            place["start_line"] = int(start)
        return {"path": found["path"], "body": found["body"], **place}


@click.command(
    "request-changes",
    epilog="Example: `lazyaf card request-changes shop 12 -c 'src/cart.py:12-14: Round only once.' "
    "-c 'README.md: Say that it rounds.'`.",
)
@card_arguments
@click.option("--message", "-m", default="", help="What the agent should do about its work.")
@click.option(
    "--comment",
    "-c",
    "comments",
    multiple=True,
    type=Comment(),
    help="What it should do about a line, some lines or a file; may be given several times.",
)
@client_command
def request_changes(
    api: Api, repo: str, number: int, message: str, comments: tuple[Json, ...]
) -> None:
    """Send a card in review back to its agent, with a message, comments on its lines, or both."""
    if not message.strip() and not comments:
        raise click.UsageError("Say what the agent should do: --message, --comment, or both.")
    asked = {"message": message, "comments": list(comments)}
    give(api, find_card(api, repo, number), "request-changes", asked)
