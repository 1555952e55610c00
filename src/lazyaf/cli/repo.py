"""``lazyaf repo``: the repositories of a server."""

from __future__ import annotations

import click

from lazyaf.cli.client import Api, Json, client_command
from lazyaf.cli.repo_checks import checks
from lazyaf.cli.repo_forge import forge
from lazyaf.cli.repo_remote import add, fetch
from lazyaf.cli.repo_sandbox import sandbox
from lazyaf.cli.repo_set import set_repo
from lazyaf.cli.terminal import show_json, show_table


@click.group("repo")
def command() -> None:
    """Add, fetch, set up, list and delete repositories; `lazyaf ingest` adds those of this machine."""


for _one in (add, fetch, set_repo, sandbox, forge, checks):
    command.add_command(_one)


@command.command("list")
@client_command
def list_repos(api: Api) -> None:
    """List the repositories."""
    repos = list(api.pages("/api/repos"))
    if api.as_json:
        show_json({"items": repos, "next_cursor": None})
    elif not repos:
        click.echo(
            "There is no repository yet. Add one with `lazyaf ingest PATH` or `lazyaf repo add URL`."
        )
    else:
        show_table(
            ("NAME", "DEFAULT BRANCH", "CHECKS", "CONTENT", "REMOTE"),
            (
                (
                    repo["name"],
                    repo["default_branch"],
                    _colour(repo),
                    _content(repo),
                    repo["remote_url"] or "",
                )
                for repo in repos
            ),
        )


def _colour(repo: Json) -> str:
    known = repo["default_checks"]
    if known is None:
        return ""
    return {"passed": "green", "failed": "red"}.get(known["state"], known["state"] or "unknown")


def _content(repo: Json) -> str:
    if repo["import_state"] == "key_wanted":
        return "key wanted"
    if repo["import_state"] in ("fetching", "failed"):
        return str(repo["import_state"])
    return "ingested" if repo["is_ingested"] else "none yet"


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
