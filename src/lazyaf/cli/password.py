"""``lazyaf password``: the password that lets people in from elsewhere."""

from __future__ import annotations

import click

from lazyaf.cli.client import Api, client_command
from lazyaf.cli.failures import Failure, Refused
from lazyaf.cli.own_settings import own_settings
from lazyaf.cli.passwords import read_password
from lazyaf.cli.terminal import show_json


@click.group("password")
def command() -> None:
    """The password that lets people in from elsewhere."""


@command.command(
    "set",
    epilog="On the server's own machine it works whether the server runs or not. With --stdin: "
    "`pass show lazyaf | lazyaf password set --stdin`.",
)
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the new password from stdin.")
@client_command
def set_command(api: Api, from_stdin: bool) -> None:
    """Set or change the password. Every browser is signed out by that; tokens stay good."""
    is_running = api.is_running
    password = read_password("New password", from_stdin=from_stdin, twice=True)
    if is_running:
        _ask_server(api, password, from_stdin)
    else:
        _set_here(password)
    if api.as_json:
        show_json({"server": api.server if is_running else None, "changed": True})
    else:
        click.echo("The password is set. Browsers sign in with it anew; tokens stay good.")


def _ask_server(api: Api, password: str, from_stdin: bool) -> None:
    try:
        api.put("/api/auth/password", {"password": password})
    except Refused as refused:
        if "current" not in (refused.problem.get("fields") or {}) or from_stdin:
            raise
        current = read_password("Current password", from_stdin=False)
        api.put("/api/auth/password", {"password": password, "current": current})


def _set_here(password: str) -> None:
    from lazyaf import main
    from lazyaf.domain.errors import LazyafError

    settings = own_settings()
    try:
        main.set_password(settings, password)
    except LazyafError as error:
        if error.code == "already_running":
            raise Failure(
                f"A server runs on {settings.data_dir}, at another address than was asked. Name it with --server."
            ) from None
        raise Failure(f"{error.detail} [{error.code}]") from None
