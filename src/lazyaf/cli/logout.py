"""``lazyaf logout``: revoke the token of `lazyaf login`, and forget it."""

from __future__ import annotations

import click

from lazyaf.cli.client import Api
from lazyaf.cli.failures import Failure, Refused, Unauthorised, Unreachable
from lazyaf.cli.logins import find_login, forget_login
from lazyaf.cli.target import parse_server


@click.command("logout")
@click.argument("server", metavar="SERVER")
def command(server: str) -> None:
    """Sign out of the server at the URL SERVER: its token is revoked there and forgotten here."""
    url = parse_server(server)
    login = find_login(url)
    if login is None:
        raise Failure(f"There is no login at {url}.")
    try:
        with Api(url, token=login.token) as api:
            api.delete(f"/api/tokens/{login.id}")
    except Unreachable:
        forget_login(url)
        raise Failure(
            f"{url} does not answer. The token is forgotten here, but good there until it is revoked "
            "in the server's settings."
        ) from None
    except (Unauthorised, Refused):
        click.echo("The server did not know the token any more.", err=True)
    forget_login(url)
    click.echo(f"Signed out of {url}.")
