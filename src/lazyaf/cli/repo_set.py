"""``lazyaf repo set``: what a repository protects and how its cards are merged."""

from __future__ import annotations

from typing import Any

import click

from lazyaf.cli.client import Api, Json, client_command
from lazyaf.cli.terminal import one_line, show_json
from lazyaf.domain.repo_settings import BranchWatch, MergeMethod


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
    "--merge-message",
    metavar="TEMPLATE",
    help="What a merge or squash says, with placeholders like {title}; '' for the usual words.",
)
@click.option(
    "--delete-branch/--keep-branch",
    default=None,
    help="Whether a card's branch is deleted when it is merged.",
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
@click.option(
    "--sync-every",
    metavar="TIME",
    help="Let the server fetch from the remote this often, like 15m; `never` stops it.",
)
@click.option(
    "--default-checks",
    type=click.Choice([watch.value for watch in BranchWatch]),
    help="Whether the checks run on the default branch itself, and whether a card is opened, or started, "
    "when they fail.",
)
@client_command
def set_repo(
    api: Api,
    repo: str,
    merge_method: str | None,
    merge_message: str | None,
    delete_branch: bool | None,
    protect: tuple[str, ...],
    protect_none: bool,
    only_approve: bool | None,
    sync_every: str | None,
    default_checks: str | None,
) -> None:
    """Change what REPO (an id or a name) protects and how its cards are merged; show it."""
    if protect and protect_none:
        raise click.UsageError("Give --protect or --protect-none, not both.")
    found = api.repo(repo)
    wanted = {
        "merge_method": merge_method,
        "delete_branch": delete_branch,
        "only_approve": only_approve,
        "default_checks": default_checks,
    }
    settings: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
    if merge_message is not None:
        settings["merge_message"] = merge_message or None
    if protect or protect_none:
        settings["protected_branches"] = list(protect)
    if sync_every is not None:
        settings["sync_every_s"] = None if sync_every == "never" else sync_every
    if settings:
        found = api.patch(f"/api/repos/{found['id']}", {"settings": settings})
    if api.as_json:
        show_json(found)
    else:
        _tell(found)


def _tell(repo: Json) -> None:
    now = repo["settings"]
    if now["merge_message"]:
        click.echo(f"Its message: {one_line(now['merge_message'])}")
    goes = (
        "deleted; `lazyaf card restore-branch` brings it back" if now["delete_branch"] else "kept"
    )
    click.echo(f"The card's branch is then: {goes}")
    protected = ", ".join([repo["default_branch"], *now["protected_branches"]])
    changed_by = "approving only" if now["only_approve"] else "approving, and by people's pushes"
    click.echo(f"Approving makes: {now['merge_method']}")
    click.echo(f"Protected: {protected}; changed by {changed_by}, never by jobs")
    if now["default_checks"] != BranchWatch.OFF:
        click.echo(f"Checks of {repo['default_branch']} itself: {now['default_checks']}")
    if now["sync_every_s"]:
        click.echo(f"Fetched from the remote every {now['sync_every_s'] / 60:g} minutes")
