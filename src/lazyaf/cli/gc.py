"""``lazyaf gc``: what nobody will come back for, shown and removed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import click

from lazyaf.cli.client import Api, Json, client_command
from lazyaf.cli.failures import Failure
from lazyaf.cli.own_settings import own_settings
from lazyaf.cli.terminal import one_line, show_json, show_table, size

COLLECT_S: Final = 1800.0
"""Large trees take their time to be looked at and removed."""

NOUNS: Final = {
    "job_refs": "refs of jobs",
    "orphans": "orphans",
    "conversations": "conversations",
    "git_locks": "locks of git",
    "repository": "repository",
    "attachment": "attached file",
    "database_copy": "copy of the database",
    "events": "events",
    "logs": "logs",
    "sign_ins": "sign-ins",
    "intent": "stuck commands",
    "work_tree": "work tree",
    "home": "HOME of an agent",
    "cache": "cache",
    "spare": "spare tree",
    "outbox": "unsent log entries",
    "file": "file",
}


@click.command(
    "gc",
    epilog="On the server's own machine it works whether the server runs or not. Runners on other "
    "machines look after their own disks, once a day.",
)
@click.option("--dry-run", is_flag=True, help="Only show what would go.")
@client_command
def command(api: Api, dry_run: bool) -> None:
    """Remove what nobody will come back for. What holds work that is nowhere else stays."""
    found = collect(api, dry_run=dry_run)
    if api.as_json:
        show_json({"dry_run": dry_run, "items": found})
        return
    goes = [item for item in found if not item["stays"]]
    stays = [item for item in found if item["stays"]]
    if goes:
        click.echo("Would be removed:" if dry_run else "Removed:")
        _show(goes)
    if stays:
        click.echo(
            "Stays, and is yours to look at:" if not goes else "\nStays, and is yours to look at:"
        )
        _show(stays)
    if not found:
        click.echo("There is nothing that nobody will come back for.")
        return
    freed = size(sum(item["bytes"] for item in goes))
    click.echo(f"\n{freed} {'would be' if dry_run else 'are'} free again.")


def _show(items: list[Json]) -> None:
    rows = [
        (
            size(item["bytes"]) if item["bytes"] else "",
            f"{item['count']} {NOUNS[item['kind']]}" if item["count"] > 1 else NOUNS[item["kind"]],
            one_line(item["place"]),
            one_line(item["why"]),
        )
        for item in items
    ]
    show_table(("Size", "What", "Where", "Why"), rows)


def collect(api: Api, *, dry_run: bool) -> list[dict[str, Any]]:
    """What the server finds, or what is found on this machine while none runs; without ``dry_run`` it is
    removed. Raises a `Failure`."""
    if not api.is_running:
        return _collect_here(dry_run=dry_run)
    found: list[Json] = api.post("/api/gc", {"dry_run": dry_run}, seconds=COLLECT_S)["items"]
    return found


def _collect_here(*, dry_run: bool) -> list[dict[str, Any]]:
    from lazyaf import main
    from lazyaf.domain.errors import LazyafError
    from lazyaf.stderr import log_to_stderr

    log_to_stderr("warning")  # what is removed is told by the command itself
    settings = own_settings()
    try:
        found = main.collect_leftovers(settings, dry_run=dry_run)
    except LazyafError as error:
        if error.code == "already_running":
            raise Failure(
                f"A server runs on {settings.data_dir}, at another address than was asked. Name it with "
                "--server."
            ) from None
        raise Failure(f"{error.detail} [{error.code}]") from None
    return [asdict(leftover) for leftover in found]
