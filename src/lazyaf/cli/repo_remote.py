"""``lazyaf repo add`` and ``lazyaf repo fetch``: repositories that the server fetches by itself."""

from __future__ import annotations

import time
from typing import Final

import click

from lazyaf.cli.client import Api, Json, client_command
from lazyaf.cli.failures import Failure, Refused
from lazyaf.cli.terminal import one_line, show_json, someone_is_there

ASK_EVERY_S: Final = 0.5
ASKS_FOR: Final = ("credentials_wanted", "credentials_refused")
TRIES: Final = 3


@click.command(
    "add",
    epilog="Example: `lazyaf repo add https://github.com/ada/shop.git`. A password is asked for when "
    "the remote wants one; most hosts want an access token in its place.",
)
@click.argument("url")
@click.option("--name", help="The repository's name on the board [the URL's last word].")
@click.option("--username", help="Who you are to the remote; a token needs no name.")
@click.option("--no-wait", is_flag=True, help="Do not wait until it is fetched.")
@client_command
def add(api: Api, url: str, name: str | None, username: str | None, no_wait: bool) -> None:
    """Let the server fetch the repository at URL (https://… or git@host:…) and open a board for it.

    Credentials are kept encrypted on the server, for this remote alone.
    """
    wanted = {"url": url} | ({} if name is None else {"name": name})
    repo = _with_login(api, "/api/repos/import", wanted, username)
    _report(api, repo if no_wait else _wait(api, repo))


@click.command("fetch")
@click.argument("repo")
@click.option("--username", help="Who you are to the remote; a token needs no name.")
@click.option("--no-wait", is_flag=True, help="Do not wait until it is fetched.")
@client_command
def fetch(api: Api, repo: str, username: str | None, no_wait: bool) -> None:
    """Bring REPO (an id or a name) up to date from its remote.

    Branches are only forwarded: what was pushed or approved here stays, and so do cards' branches.
    """
    found = api.repo(repo)
    begun = _with_login(api, f"/api/repos/{found['id']}/fetch", {}, username)
    _report(api, begun if no_wait else _wait(api, begun))


def _with_login(api: Api, path: str, body: Json, username: str | None) -> Json:
    """Ask the server, and the person for credentials as often as the remote wants others."""
    for attempt in range(TRIES + 1):
        try:
            answer: Json = api.post(path, body)
            return answer
        except Refused as refused:
            if refused.code not in ASKS_FOR or attempt == TRIES or not someone_is_there():
                raise
            click.echo(refused.detail, err=True)
        name = username or click.prompt("User name", default="", show_default=False, err=True)
        password = click.prompt("Password or token", hide_input=True, err=True)
        body = {**body, "password": password} | ({"username": name} if name else {})
    raise AssertionError("The last round returns or raises.")


def _wait(api: Api, repo: Json) -> Json:
    while repo["import_state"] == "fetching":
        time.sleep(ASK_EVERY_S)
        repo = api.repo(repo["id"])
    if repo["import_state"] == "failed":
        raise Failure(
            f"{repo['name']} was not fetched: {one_line(repo['import_detail'] or '')} Try again with "
            f"`lazyaf repo fetch {repo['name']}`."
        )
    return repo


def _report(api: Api, repo: Json) -> None:
    if api.as_json:
        show_json(repo)
        return
    if repo["import_state"] == "key_wanted":
        _show_key(repo)
        return
    board = f"{api.server}/r/{repo['name']}"
    state = "is being fetched" if repo["import_state"] == "fetching" else "is on the board"
    click.echo(f"{repo['name']} {state}: {board}")
    if repo["import_state"] == "ready" and repo["fetch_result"]:
        click.echo(one_line(repo["fetch_result"]))
    if repo["import_detail"]:
        click.secho(one_line(repo["import_detail"]), fg="yellow", err=True)


def _show_key(repo: Json) -> None:
    """What a person does before anything can be fetched over ssh."""
    click.echo(
        "Add this key to the deploy keys of the repository at its host, with write access to land:",
        err=True,
    )
    click.echo(repo["deploy_key"])
    for fingerprint in repo["host_fingerprints"]:
        click.echo(f"The host's key, to compare with what it publishes: {fingerprint}", err=True)
    click.echo(f"Then: lazyaf repo fetch {repo['name']}", err=True)
