"""What commands on a card share: how it is named (``REPO NUMBER``), and what a run may be told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from lazyaf.cli.client import Api, Json
from lazyaf.cli.failures import Refused
from lazyaf.domain.cards import Archived

F = TypeVar("F", bound=Callable[..., Any])


class CardNumber(click.ParamType[int]):
    """``12``, or ``#12`` as the board shows it."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number."""
        digits = str(value).removeprefix("#")
        if not (digits.isascii() and digits.isdigit()) or not 0 < int(digits) < 2**31:
            self.fail(f"“{value}” is no card's number, like 12.", param, ctx)
        return int(digits)


def card_arguments(function: F) -> F:
    """The arguments ``REPO NUMBER``."""
    function = click.argument("number", type=CardNumber())(function)
    return click.argument("repo")(function)


def run_options(function: F) -> F:
    """``--fresh`` and ``--message``, of the commands by which a run begins without a review."""
    fresh = click.option(
        "--fresh", is_flag=True, help="Begin anew at the base, not on the card's branch."
    )
    message = click.option("--message", "-m", default="", help="Something more to tell the agent.")
    return fresh(message(function))


def find_card(api: Api, repo: str, number: int) -> Json:
    """The card in full."""
    found = api.repo(repo)
    archived = Archived.INCLUDE.value
    listed = f"/api/repos/{found['id']}/cards"
    for card in api.pages(listed, q=str(number), archived=archived, limit=500):
        if card["number"] == number:
            full: Json = api.get(f"/api/cards/{card['id']}")
            return full
    detail = f"There is no card #{number} in {found['name']}."
    raise Refused(404, {"detail": detail, "code": "not_found"})
