"""What `lazyaf card show` says of a card in review that others are in the way of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import click

from lazyaf.cli.client import Api, Json
from lazyaf.cli.terminal import one_line, plural
from lazyaf.domain.cards import CardStatus

NAMED: Final = 5
"""Files that are named in a line."""


def conflicts_of(api: Api, card: Json) -> Json | None:
    """What is in the way of a card in review; None for any other."""
    if card["status"] != CardStatus.IN_REVIEW or not card["branch_name"]:
        return None
    found: Json = api.get(f"/api/cards/{card['id']}/conflicts")
    return found


def facts(found: Json | None) -> list[tuple[str, str]]:
    """The lines that tell it, by their names."""
    if found is None:
        return []
    others = [f"#{one['number']} ({_named(one['files'])})" for one in found["cards"]]
    if found["uncompared"]:
        others.append(f"not compared with {plural(found['uncompared'], 'card')}")
    return [("Merge", _merge(found)), ("Conflicts", ", ".join(others))]


def _merge(found: Json) -> str:
    behind = found["behind"]
    late = f", {plural(behind, 'commit')} behind it" if behind else ""
    if found["mergeable"] is None:
        return ""
    if found["mergeable"]:
        return f"clean into {found['base_ref']}{late}"
    return f"conflicts with {found['base_ref']} ({_named(found['files'])}){late}"


def _named(files: Sequence[str]) -> str:
    more = f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
    return ", ".join(files[:NAMED]) + more if files else "no common history"


def show_ways_out(found: Json | None, card: Json, repo: str) -> None:
    """How to settle a conflict with the base: by the agent, or by hand."""
    if found is None or found["mergeable"] is not False:
        return
    click.echo(f"\nAsk the agent:    lazyaf card resolve {repo} {card['number']}")
    click.echo("Or, in a clone, where the third command stops for you to resolve and `git commit`:")
    for line in found["commands"]:
        click.echo(f"  {one_line(line)}")
