"""``lazyaf login``: a token of this machine's user for a server elsewhere, for the password."""

from __future__ import annotations

import socket

import click

from lazyaf.cli.client import Api
from lazyaf.cli.failures import Failure
from lazyaf.cli.logins import Login, find_login, keep_login, logins_path
from lazyaf.cli.passwords import read_password
from lazyaf.cli.target import is_loopback, parse_server
from lazyaf.cli.terminal import show_json


@click.command(
    "login",
    epilog="Afterwards name the server with --server or LAZYAF_SERVER: `lazyaf ingest . --server "
    "https://lazyaf.example.com`.",
)
@click.argument("server", metavar="SERVER")
@click.option("--name", help="The token's name in the server's list [this machine's name].")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the password from stdin.")
@click.option("--insecure", is_flag=True, help="Send the password although there is no TLS.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def command(server: str, name: str | None, from_stdin: bool, insecure: bool, as_json: bool) -> None:
    """Sign in to the server at the URL SERVER, so that other commands can use it."""
    url = parse_server(server)
    if url.startswith("http:") and not is_loopback(url) and not insecure:
        raise Failure(
            f"{url} has no TLS: everyone on the way could read the password. Use its https URL, or "
            "--insecure on a network that you trust."
        )
    with Api(url, token="") as stranger:
        if not stranger.get("/api/health")["has_password"]:
            raise Failure(
                f"{url} has no password to sign in with. Set one with `lazyaf password set` where it "
                "runs, or put one of its tokens into LAZYAF_TOKEN. [no_password]"
            )
        password = read_password(f"Password of {url}", from_stdin=from_stdin)
        session = stranger.post("/api/auth/login", {"password": password})["token"]
    former = find_login(url)
    with Api(url, token=session) as api:
        made = api.post("/api/tokens", {"name": name or f"CLI on {socket.gethostname()}"})
        keep_login(url, Login(made["id"], made["token"]))
        if former is not None and any(t["id"] == former.id for t in api.pages("/api/tokens")):
            api.delete(f"/api/tokens/{former.id}")
        api.post("/api/auth/logout")
    if as_json:
        show_json({"server": url, "token_id": made["id"], "name": made["name"]})
        return
    click.echo(f"Signed in to {url} as “{made['name']}”. Its token is in {logins_path()}.")
