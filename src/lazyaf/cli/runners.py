"""``lazyaf runners``: who works, and on what."""

from __future__ import annotations

import click

from lazyaf.cli.client import Api, Json, client_command
from lazyaf.cli.terminal import plural, show_json, show_table


@click.command("runners", epilog="`lazyaf scale N` changes how many the server keeps.")
@client_command
def command(api: Api) -> None:
    """List the runners and what they work on."""
    found = api.get("/api/runners")
    if api.as_json:
        show_json(found)
        return
    if found["items"]:
        show_table(("NAME", "STATUS", "ISOLATION", "AGENTS", "CARD"), map(_row, found["items"]))
    else:
        click.echo("There is no runner. Ask for some with `lazyaf scale 2`.")
    for pool in found["pools"]:
        click.echo(f"Pool {pool['kind']}: {plural(pool['target'], 'runner')} asked for.")
        if pool["reason"]:
            click.secho(f"  {pool['reason']} {pool['fix'] or ''}".rstrip(), fg="yellow")


def _row(runner: Json) -> tuple[str, ...]:
    card = runner["current_card"]
    agents = [agent["name"] for agent in runner["agents"] if agent["available"]]
    return (
        runner["name"],
        runner["status"],
        runner["isolation"],
        ", ".join(agents) or "none",
        f"#{card['number']} {card['title']}" if card else "",
    )
