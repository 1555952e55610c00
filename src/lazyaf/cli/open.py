"""``lazyaf open``: a one-time link that signs a browser in."""

from __future__ import annotations

import click

from lazyaf.cli.client import Api, client_command
from lazyaf.cli.terminal import show_json


@click.command(
    "open",
    epilog="The link is good for one browser and a quarter of an hour. On a machine without a "
    "browser: `lazyaf open --print`.",
)
@click.option("--print", "only_print", is_flag=True, help="Print the link, open nothing.")
@client_command
def command(api: Api, only_print: bool) -> None:
    """Open the board in the browser, signed in."""
    made = api.post("/api/auth/codes")
    # On the origin that was asked, which is the one that is known to answer from here.
    link = f"{api.server}/#code={made['code']}"
    if api.as_json:
        show_json({**made, "url": link})
    elif only_print:
        click.echo(link)
    else:
        _open(link, api.server)


def _open(link: str, server: str) -> None:
    import webbrowser

    if webbrowser.open(link):
        click.echo(f"Opened {server} in the browser.")
    else:
        click.echo(f"No browser could be started here. Open {link}")
