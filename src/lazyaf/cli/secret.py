"""``lazyaf secret``: variables of a repository for its setup command and its checks. A value is typed or comes by
stdin, and is never shown again.
"""

from __future__ import annotations

import sys
from urllib.parse import quote

import click

from lazyaf.cli.client import Api, client_command
from lazyaf.cli.failures import Failure
from lazyaf.cli.terminal import show_json, show_table


@click.group("secret")
def command() -> None:
    """Secrets of repositories, which setup command and checks find in their environment."""


@command.command("list")
@click.argument("repo")
@client_command
def list_secrets(api: Api, repo: str) -> None:
    """List the names of the secrets of REPO (an id or a name). Nothing shows their values."""
    found = api.repo(repo)
    answer = api.get(f"/api/repos/{found['id']}/secrets")
    if api.as_json:
        show_json(answer)
    elif not answer["items"]:
        click.echo(
            f"{found['name']} has no secrets. Add one with `lazyaf secret set {found['name']} NAME`."
        )
    else:
        rows = ((each["name"], each["updated_at"]) for each in answer["items"])
        show_table(("NAME", "SET AT"), rows)


@command.command(
    "set",
    epilog="Asks for the value, without showing it. With --stdin, for one of several lines as well: "
    "`lazyaf secret set shop DEPLOY_KEY --stdin < key`.",
)
@click.argument("repo")
@click.argument("name")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the value from stdin.")
@client_command
def set_secret(api: Api, repo: str, name: str, from_stdin: bool) -> None:
    """Keep a secret of REPO (an id or a name) under NAME, in place of the one that it had.

    It is encrypted on the server. Setup command and checks have it in their environment, the agent has not.
    """
    found = api.repo(repo)
    answer = api.put(
        f"/api/repos/{found['id']}/secrets/{quote(name, safe='')}", {"value": _value(from_stdin)}
    )
    if api.as_json:
        show_json(answer)
    else:
        click.echo(f"{found['name']} has the secret {name} from its next job on.")


def _value(from_stdin: bool) -> str:
    """What was typed, or stdin without its last line end."""
    if not from_stdin:
        typed: str = click.prompt("Value", hide_input=True, err=True)
        return typed
    value = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if not value:
        raise Failure("Stdin is empty: there is no value to keep.")
    return value


@command.command("delete")
@click.argument("repo")
@click.argument("name")
@client_command
def delete_secret(api: Api, repo: str, name: str) -> None:
    """Forget the secret NAME of REPO (an id or a name)."""
    found = api.repo(repo)
    api.delete(f"/api/repos/{found['id']}/secrets/{quote(name, safe='')}")
    if api.as_json:
        show_json({"name": name})
    else:
        click.echo(f"{found['name']} has the secret {name} no more.")
