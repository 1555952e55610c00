"""``lazyaf scale``: how many local runners the server keeps."""

from __future__ import annotations

import click

from lazyaf.cli.client import Api, client_command
from lazyaf.cli.terminal import plural, show_json


@click.command("scale", epilog="Runners that are too many finish their job first.")
@click.argument("count", type=click.IntRange(0, 64))
@client_command
def command(api: Api, count: int) -> None:
    """Ask the server for COUNT local runners."""
    answer = api.post("/api/runners/scale", {"pool": "process", "count": count})
    if api.as_json:
        show_json(answer)
    else:
        click.echo(f"The server keeps {plural(count, 'local runner')} from now on.")
