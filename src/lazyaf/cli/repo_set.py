"""``lazyaf repo set``: what a repository protects and how its cards are merged."""

from __future__ import annotations

from typing import Any

import click

from lazyaf.cli.client import Api, client_command
from lazyaf.cli.terminal import show_json
from lazyaf.domain.repo_settings import MergeMethod


@click.command(
    "set",
    epilog="Example: `lazyaf repo set shop --merge-method squash --protect 'release/*' "
    "--only-approve`.",
)
@click.argument("repo")
@click.option(
    "--merge-method",
    type=click.Choice([method.value for method in MergeMethod]),
    help="What approving makes of a card's commits.",
)
@click.option(
    "--protect",
    multiple=True,
    metavar="PATTERN",
    help="Protect these branches besides the default one; replaces the patterns so far.",
)
@click.option("--protect-none", is_flag=True, help="Protect the default branch alone.")
@click.option(
    "--only-approve/--people-push",
    default=None,
    help="Whether people, too, change protected branches by approving only.",
)
@client_command
def set_repo(
    api: Api,
    repo: str,
    merge_method: str | None,
    protect: tuple[str, ...],
    protect_none: bool,
    only_approve: bool | None,
) -> None:
    """Change what REPO (an id or a name) protects and how its cards are merged; show it."""
    if protect and protect_none:
        raise click.UsageError("Give --protect or --protect-none, not both.")
    found = api.repo(repo)
    settings: dict[str, Any] = {}
    if merge_method is not None:
        settings["merge_method"] = merge_method
    if protect or protect_none:
        settings["protected_branches"] = list(protect)
    if only_approve is not None:
        settings["only_approve"] = only_approve
    if settings:
        found = api.patch(f"/api/repos/{found['id']}", {"settings": settings})
    if api.as_json:
        show_json(found)
        return
    now = found["settings"]
    protected = ", ".join([found["default_branch"], *now["protected_branches"]])
    changed_by = "approving only" if now["only_approve"] else "approving, and by people's pushes"
    click.echo(f"Approving makes: {now['merge_method']}")
    click.echo(f"Protected: {protected}; changed by {changed_by}, never by jobs")
