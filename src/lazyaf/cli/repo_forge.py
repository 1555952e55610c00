"""``lazyaf repo forge``: the forge that a repository's pull requests are opened on, and its token."""

from __future__ import annotations

import sys
from typing import Final

import click

from lazyaf.cli.client import Api, Json, client_command
from lazyaf.cli.failures import Failure
from lazyaf.cli.terminal import show_json, someone_is_there
from lazyaf.domain.forges import ForgeKind

AUTO: Final = "auto"


@click.command(
    "forge",
    epilog="The token is asked for, or read from stdin where nobody can be asked: "
    "`lazyaf repo forge shop --set-token < token`.",
)
@click.argument("repo")
@click.option(
    "--kind",
    type=click.Choice([*(kind.value for kind in ForgeKind), AUTO]),
    help="What it is, where its host's name does not say; Forgejo is gitea. "
    f"`{AUTO}`: what the name says.",
)
@click.option(
    "--api-url",
    metavar="URL",
    help="Where its API is, if not where it usually is; '' for the usual place.",
)
@click.option(
    "--share-login/--no-share-login",
    default=None,
    help="Whether git's password for the remote and the token serve for each other.",
)
@click.option("--set-token", is_flag=True, help="Keep a token, in place of the one before.")
@click.option("--forget-token", is_flag=True, help="Delete the kept token.")
@click.option("--test", "tries", is_flag=True, help="Ask the forge what the token sees.")
@client_command
def forge(
    api: Api,
    repo: str,
    kind: str | None,
    api_url: str | None,
    share_login: bool | None,
    set_token: bool,
    forget_token: bool,
    tries: bool,
) -> None:
    """Show or set up the forge of REPO (an id or a name), for pull requests by the server.

    The token is encrypted on the server and never shown again.
    """
    if set_token and forget_token:
        raise click.UsageError("--set-token and --forget-token exclude each other.")
    found = api.repo(repo)
    path = f"/api/repos/{found['id']}"
    settings: Json = {}
    if kind is not None:
        settings["forge"] = None if kind == AUTO else kind
    if api_url is not None:
        settings["forge_api_url"] = api_url.strip() or None
    if share_login is not None:
        settings["forge_shares_login"] = share_login
    if settings:
        found = api.patch(path, {"settings": settings})
    if set_token:
        found = api.put(f"{path}/forge-token", {"token": _token()})
    if forget_token:
        api.delete(f"{path}/forge-token")
        found = api.repo(found["id"])
    tried = api.post(f"{path}/forge-token/test", {}) if tries else None
    if api.as_json:
        show_json({"forge": found["forge"], "test": tried})
        return
    click.echo(_told(found))
    if tried is not None:
        click.echo(tried["detail"])


def _told(repo: Json) -> str:
    at = repo["forge"]
    if at is None:
        return f"{repo['name']} has no remote on a forge. Set one in its settings."
    if at["kind"] is None:
        return f"Nobody can tell by its name what {at['host']} is. Say it with --kind."
    token = "with a token" if at["has_token"] else "without a token: keep one with --set-token"
    return f"{repo['name']} is {at['path']} on {at['name']}, {at['api_url']}, {token}"


def _token() -> str:
    if someone_is_there():
        typed: str = click.prompt("Token", hide_input=True, err=True)
        return typed.strip()
    token = sys.stdin.read().strip()
    if not token:
        raise Failure("Stdin is empty: there is no token to keep.")
    return token
