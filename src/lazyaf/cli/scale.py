"""``lazyaf scale``: how many runners the server's pool keeps."""

from __future__ import annotations

import click

from lazyaf.cli.client import Api, client_command
from lazyaf.cli.terminal import plural, show_json


@click.command("scale", epilog="Runners that are too many finish their job first.")
@click.argument("count", type=click.IntRange(0, 64))
@click.option(
    "--pool", type=click.Choice(["process", "docker"]), help="Which pool [the server's only one]."
)
@click.option(
    "--now",
    is_flag=True,
    help="Do not wait for jobs: runners that are too many save what they have, and their jobs go back "
    "to the queue.",
)
@client_command
def command(api: Api, count: int, pool: str | None, now: bool) -> None:
    """Ask the server for COUNT runners."""
    body = {"count": count, "now": now, **({"pool": pool} if pool else {})}
    answer = api.post("/api/runners/scale", body)
    if api.as_json:
        show_json(answer)
        return
    click.echo(f"The server keeps {plural(count, 'runner')} from now on.")
    for each in answer["pools"]:
        if each["reason"]:
            click.secho(f"{each['reason']} {each['fix'] or ''}".rstrip(), fg="yellow")
