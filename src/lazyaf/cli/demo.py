"""``lazyaf demo``: a sample card on a running server, or the whole loop on a server of its own."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

import click

from lazyaf.cli.client import Api, Json, client_command
from lazyaf.cli.diff_view import show_diff
from lazyaf.cli.failures import Failure
from lazyaf.cli.job_log import follow, show_entry
from lazyaf.cli.own_server import OwnServer
from lazyaf.cli.terminal import show_json
from lazyaf.cli.transfer import fetch_from_server
from lazyaf.git import command as git

LIMIT_S: Final = 180


@click.command(
    "demo",
    epilog="`lazyaf demo` needs a running server; `lazyaf demo --run` brings one of its own, on a "
    "free port and a temporary directory, and leaves nothing behind.",
)
@click.option("--run", is_flag=True, help="Play it here, on a server of its own, to the merge.")
@client_command
def command(api: Api, run: bool) -> None:
    """Make a sample repository and let the scripted agent work a card in it."""
    if run:
        _play()
        return
    made = api.post("/api/demo")
    if api.as_json:
        show_json(made)
        return
    click.echo(f"Card #{made['card_number']} of {made['repo_name']} is being worked. Watch it:")
    click.echo(f"{api.server}/r/{made['repo_name']}/c/{made['card_number']}")
    click.echo("`lazyaf open` signs a browser in.")


def _play() -> None:
    with (
        _limited(),
        tempfile.TemporaryDirectory(prefix="lazyaf-demo-") as folder,
        OwnServer(Path(folder)) as server,
        Api(server.url, token=server.token) as api,
    ):
        click.secho(f"A server of its own is on {server.url}\n", dim=True)
        made = api.post("/api/demo")
        card = _work(api, made)
        _merge(api, made, card)
        _show_graph(api, made, Path(folder))
    click.secho("\nThat is the whole loop. `lazyaf serve` shows it in a browser.", bold=True)


def _work(api: Api, made: Json) -> Json:
    card = api.get(f"/api/cards/{made['card_id']}")
    click.secho(f"#{card['number']} {card['title']}", bold=True)
    for entry in follow(api, card["job_id"]):
        if entry["kind"] != "user":  # the prompt, which the scripted agent does not read
            show_entry(entry)
    worked: Json = api.get(f"/api/cards/{made['card_id']}")
    if worked["status"] != "in_review":
        failure = worked["failure"] or {"detail": f"It is {worked['status']}.", "hint": ""}
        raise Failure(f"The card did not come to review. {failure['detail']} {failure['hint']}")
    return worked


def _merge(api: Api, made: Json, card: Json) -> None:
    diff = api.get(f"/api/cards/{made['card_id']}/diff")
    click.secho(f"\nIn review: what {card['branch_name']} changes", bold=True)
    show_diff(diff)
    body = {"head_sha": diff["head_sha"]}
    done = api.post(f"/api/cards/{made['card_id']}/approve", body)
    if done["status"] != "done" or not done["merged_sha"]:
        raise Failure(f"The card was approved, but it is {done['status']}.")
    click.secho(f"\nApproved: merged as {done['merged_sha']}", bold=True)


def _show_graph(api: Api, made: Json, folder: Path) -> None:
    """The graph as git itself draws it, from a fetch like anyone's."""
    repo = api.repo(made["repo_id"])
    git_dir = folder / "graph.git"
    fetch_from_server(api, repo, repo["default_branch"], git_dir)
    shown = git.run_sync(
        [f"--git-dir={git_dir}", "log", "--graph", "--oneline", repo["default_branch"]]
    )
    click.echo(shown.text)


@contextmanager
def _limited() -> Iterator[None]:
    """End the demo in order when it is asked to leave or never comes to its end."""

    def leave(number: int, _frame: FrameType | None) -> NoReturn:
        if number == signal.SIGALRM:
            raise Failure(f"The demo did not come to its end within {LIMIT_S} seconds.")
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGALRM, signal.SIGTERM)}
    signal.alarm(LIMIT_S)
    try:
        yield
    finally:
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)
