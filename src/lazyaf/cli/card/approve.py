"""``lazyaf card approve``: see what would be merged, then merge exactly that."""

from __future__ import annotations

from typing import Final

import click

from lazyaf.cli.card.commands import give
from lazyaf.cli.card.comments import unresolved_in_short
from lazyaf.cli.card.naming import card_arguments, find_card
from lazyaf.cli.client import Api, Json, client_command
from lazyaf.cli.diff_view import show_stat
from lazyaf.cli.failures import Failure, Refused
from lazyaf.cli.terminal import one_line, someone_is_there
from lazyaf.domain.repo_settings import MergeMethod

SHORTEST_SHA: Final = 7
WHOLE_SHA: Final = 40


@click.command(
    "approve",
    epilog="For scripts: `lazyaf card approve shop 12 --sha $(lazyaf card show shop 12 --json | jq "
    "-r .head_sha)`. If the branch moved since, nothing is merged.",
)
@card_arguments
@click.option("--sha", help="The commit that you saw; it is merged without asking.")
@click.option(
    "--method",
    type=click.Choice([method.value for method in MergeMethod]),
    help="What becomes of the commits [as the repository's settings say].",
)
@client_command
def approve(api: Api, repo: str, number: int, sha: str | None, method: str | None) -> None:
    """Merge a card's branch into its base, after showing what that is."""
    card = find_card(api, repo, number)
    how = {} if method is None else {"method": method}
    if sha is not None:
        give(api, card, "approve", {"head_sha": _whole(sha, card), **how})
        return
    if not someone_is_there():
        raise click.UsageError(
            "There is nobody to ask here. Say with --sha which commit you saw "
            f"(it is at {card['head_sha'] or 'none'})."
        )
    seen = _show(api, card, repo)
    waiting = unresolved_in_short(api, card)
    if waiting:
        click.echo(f"{waiting}.", err=True)
    click.confirm("Merge it all the same?" if waiting else "Merge it?", abort=True, err=True)
    done = give(api, card, "approve", {"head_sha": seen, **how})
    if not api.as_json and done["merged_sha"]:
        click.echo(f"Merged as {done['merged_sha']}.")


def _whole(sha: str, card: Json) -> str:
    """The whole id of a commit that may be given by its beginning."""
    head = str(card["head_sha"] or "")
    if len(sha) == WHOLE_SHA:
        return sha.lower()
    if len(sha) >= SHORTEST_SHA and head.startswith(sha.lower()):
        return head
    raise Failure(
        f"#{card['number']} is at {head or 'no commit'}, and {sha} is not it. Look at the new "
        "commits, then approve. [branch_moved]"
    )


def _show(api: Api, card: Json, repo: str) -> str:
    """Show what would be merged; returns the head that was shown."""
    click.secho(f"#{card['number']} {one_line(card['title'])}", bold=True, err=True)
    if card["no_changes"] and card["head_sha"]:
        click.echo("The agent changed nothing: approving only closes the card.", err=True)
        return str(card["head_sha"])
    try:
        diff = api.get(f"/api/cards/{card['id']}/diff")
    except Refused as refused:
        raise Failure(f"#{card['number']} cannot be approved: {refused.detail}") from None
    show_stat(diff, err=True)
    click.echo(
        f"{diff['head_ref']} at {diff['head_sha'][:12]} → {one_line(diff['base_ref'])}", err=True
    )
    if diff["mergeable"] is False:
        files = "".join(f"\n  {one_line(name)}" for name in diff["conflicts"])
        raise Failure(
            f"It does not merge: these files conflict with {diff['base_ref']}:{files}\n`lazyaf "
            f"card resolve {repo} {card['number']}` gives its agent the conflict to resolve; `lazyaf card "
            "show` says how to do it yourself. [merge_conflict]"
        )
    return str(diff["head_sha"])
