"""``lazyaf repo``: the repositories of a server."""

from __future__ import annotations

import click

from lazyaf.cli.client import Api, client_command
from lazyaf.cli.terminal import show_json, show_table


@click.group("repo")
def command() -> None:
    """List and delete repositories; `lazyaf ingest` adds them."""


@command.command("list")
@client_command
def list_repos(api: Api) -> None:
    """List the repositories."""
    repos = list(api.pages("/api/repos"))
    if api.as_json:
        show_json({"items": repos, "next_cursor": None})
    elif not repos:
        click.echo("There is no repository yet. Add one with `lazyaf ingest PATH`.")
    else:
        show_table(
            ("NAME", "DEFAULT BRANCH", "CONTENT", "REMOTE"),
            (
                (
                    repo["name"],
                    repo["default_branch"],
                    "ingested" if repo["is_ingested"] else "none yet",
                    repo["remote_url"] or "",
                )
                for repo in repos
            ),
        )


@command.command("delete")
@click.argument("repo")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@client_command
def delete_repo(api: Api, repo: str, yes: bool) -> None:
    """Delete REPO (an id or a name) with its cards, runs and branches on the server.

    Your own checkout and the real remote are not touched.
    """
    found = api.repo(repo)
    if not yes:
        click.confirm(
            f"Delete {found['name']} with all its cards, runs and branches on {api.server}?",
            abort=True,
        )
    api.delete(f"/api/repos/{found['id']}")
    if api.as_json:
        show_json(found)
    else:
        click.echo(f"Deleted {found['name']}.")
