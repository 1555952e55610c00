"""``lazyaf card log``: what a card's agent did, or is doing."""

from __future__ import annotations

import click

from lazyaf.cli.card.naming import card_arguments, find_card
from lazyaf.cli.client import Api, Json, client_command
from lazyaf.cli.failures import Failure
from lazyaf.cli.job_log import entries, follow, show_entry
from lazyaf.cli.terminal import plain


@click.command(
    "log",
    epilog="`--json` prints one entry a line. `--follow` goes on until the job is over, through "
    "restarts of the server.",
)
@card_arguments
@click.option("--follow", "-f", "following", is_flag=True, help="Print it as it grows.")
@click.option("--full", is_flag=True, help="Do not cut long results.")
@click.option("--raw", is_flag=True, help="The agent's own lines instead.")
@click.option("--job", "job_id", metavar="ID", help="An earlier job of the card.")
@client_command
def log(
    api: Api, repo: str, number: int, following: bool, full: bool, raw: bool, job_id: str | None
) -> None:
    """Print the log of a card's last job."""
    if following and raw:
        raise click.UsageError("Give --follow or --raw, not both.")
    card = find_card(api, repo, number)
    job = job_id or card["job_id"]
    if job is None:
        raise Failure(
            f"#{number} was never started, so there is no log. Start it with `lazyaf card start "
            f"{repo} {number}`."
        )
    if raw:
        for piece in api.text(f"/api/jobs/{job}/logs", format="raw"):
            click.echo(plain(piece), nl=False)
        return
    for entry in follow(api, job) if following else entries(api, job):
        _print(api, entry, full=full)
    if following and not api.as_json:
        _tell_end(api.get(f"/api/jobs/{job}"))


def _print(api: Api, entry: Json, *, full: bool) -> None:
    if api.as_json:
        import json

        click.echo(json.dumps(entry, ensure_ascii=False))
    else:
        show_entry(entry, full=full)


def _tell_end(job: Json) -> None:
    reason = f" ({job['stop_reason'].replace('_', ' ')})" if job["stop_reason"] else ""
    click.secho(f"The job is {job['status']}{reason}.", bold=True)
