"""``lazyaf repo checks``: how the default branch of a repository stands, and its checks run once more."""

from __future__ import annotations

import click

from lazyaf.cli.check_runs import show_runs
from lazyaf.cli.client import Api, Json, client_command
from lazyaf.cli.failures import Failure
from lazyaf.cli.job_log import entries, show_entry
from lazyaf.cli.terminal import show_json


@click.command(
    "checks",
    epilog="`lazyaf repo set REPO --default-checks open_card` has them run by themselves, and a card opened "
    "when they fail.",
)
@click.argument("repo")
@click.option("--run", "is_run", is_flag=True, help="Run them now, on the tip as it is.")
@click.option("--log", "with_log", is_flag=True, help="Print what the last run, or --job, printed.")
@click.option("--job", "job_id", metavar="ID", help="An earlier run, by the id from the list.")
@client_command
def checks(api: Api, repo: str, is_run: bool, with_log: bool, job_id: str | None) -> None:
    """Show how the checks of REPO's default branch stand, and their runs, the newest first.

    Runs of cards are in `lazyaf card checks`.
    """
    if is_run and (with_log or job_id):
        raise click.UsageError("--run excludes --log and --job: it has printed nothing yet.")
    found = api.repo(repo)
    path = f"/api/repos/{found['id']}/checks"
    if is_run:
        found = api.post(path)
    if with_log or job_id:
        _print_log(api, job_id or _last_job(found))
        return
    runs = list(api.pages(path))
    if api.as_json:
        show_json({"items": runs, "next_cursor": None})
        return
    click.echo(told(found))
    if runs:
        show_runs(runs, with_base=False)


def told(repo: Json) -> str:
    """How a repository's default branch stands, as a sentence."""
    known = repo["default_checks"]
    if known is None:
        return f"{repo['default_branch']} is not checked: {repo['name']} has no checks."
    at = f"{known['branch']} at {known['sha'][:10]}"
    words = {
        "passed": "is green",
        "failed": f"is red: {', '.join(known['failed'])} failed",
        "queued": "waits for its checks",
        "running": "is being checked",
    }
    said = f"{at} {words.get(known['state'], 'has not been checked')}."
    if known["red_since"] and known["state"] != "failed":
        said += f" It was red before, since {known['red_since'][:16].replace('T', ' ')}."
    if known["card"] is not None:
        said += f" Card #{known['card']['number']} is open for it."
    return said


def _last_job(repo: Json) -> str:
    known = repo["default_checks"]
    if known is None or known["job_id"] is None:
        raise Failure(
            f"{repo['default_branch']} has not been checked as it is now. "
            f"`lazyaf repo checks {repo['name']} --run` does."
        )
    return str(known["job_id"])


def _print_log(api: Api, job_id: str) -> None:
    if api.as_json:
        show_json(list(entries(api, job_id)))
        return
    for entry in entries(api, job_id):
        show_entry(entry, full=True)
