"""``lazyaf card list`` and ``lazyaf card show``."""

from __future__ import annotations

import click

from lazyaf.cli.card.add import PRIORITIES
from lazyaf.cli.card.attach import attached
from lazyaf.cli.card.conflicts import conflicts_of, show_ways_out
from lazyaf.cli.card.conflicts import facts as conflict_facts
from lazyaf.cli.card.in_short import checks_in_short, merge_in_short
from lazyaf.cli.card.naming import card_arguments, find_card
from lazyaf.cli.client import Api, Json, client_command
from lazyaf.cli.terminal import one_line, plain, plural, show_json, show_table
from lazyaf.domain.cards import Archived, CardStatus
from lazyaf.domain.jobs import JobStatus
from lazyaf.domain.queue import HeldBy

HELD = {
    HeldBy.PAUSED: "jobs are paused",
    HeldBy.DISK: "the server's disk is almost full",
    HeldBy.IMAGE: "its image is being prepared",
    HeldBy.NO_RUNNER: "no runner for {agent}",
    HeldBy.REPO_LIMIT: "the repository is at its limit",
    HeldBy.AGENT_LIMIT: "{agent} is at its limit",
}
"""Why a queued card is not given out, behind its place."""

ORDER = {status.value: place for place, status in enumerate(CardStatus)}


@click.command("list")
@click.argument("repo")
@click.option(
    "--status", "-s", type=click.Choice([status.value for status in CardStatus]), help="Only these."
)
@click.option("--label", "-l", help="Only cards with this label.")
@click.option("--search", "-q", help="Only cards with this in title or number.")
@click.option("--archived", is_flag=True, help="Only cards that were archived.")
@client_command
def list_cards(
    api: Api, repo: str, status: str | None, label: str | None, search: str | None, archived: bool
) -> None:
    """List the cards of REPO (an id or a name), column by column."""
    found = api.repo(repo)
    path = f"/api/repos/{found['id']}/cards"
    which = (Archived.ONLY if archived else Archived.EXCLUDE).value
    wanted = {"status": status, "label": label, "q": search, "archived": which, "limit": 500}
    cards = list(api.pages(path, **wanted))
    if api.as_json:
        show_json({"items": cards, "next_cursor": None})
    elif not cards and archived:
        click.echo("No card is archived.")
    elif not cards:
        click.echo(f"No cards. Add one with `lazyaf card add {found['name']} --title …`.")
    else:
        cards.sort(key=lambda card: ORDER[card["status"]])
        show_table(("CARD", "STATUS", "TITLE", "CHANGES", "BRANCH"), map(_row, cards))


def _row(card: Json) -> tuple[str, ...]:
    return (
        f"#{card['number']}",
        _state(card),
        card["title"],
        changes(card["live"]),
        card["branch_name"] or "",
    )


def _state(card: Json) -> str:
    live = card["live"]
    state = str(card["status"]).replace("_", " ")
    if card["archived_at"] is not None:
        state += " (archived)"
    elif card["status"] == CardStatus.IN_PROGRESS and live is not None:
        state += f" ({_doing(card, live)})"
    elif card["status"] == CardStatus.IN_REVIEW and card["no_changes"]:
        state += " (no changes)"
    elif card["status"] == CardStatus.IN_REVIEW and live is not None:
        state += _in_the_way(live)
    return state


def _in_the_way(live: Json) -> str:
    said = ["conflicts"] if live["mergeable"] is False else []
    if live["conflicts_with"]:
        said.append("conflicts with " + ", ".join(f"#{n}" for n in live["conflicts_with"]))
    return f" ({'; '.join(said)})" if said else ""


def _doing(card: Json, live: Json) -> str:
    if card["stopping"]:
        return "stopping"
    if live["job_status"] != JobStatus.QUEUED:
        return str(live["phase"] or live["job_status"])
    place = f"queued, number {live['queue_position']}"
    held = live["held_by"]
    return place if held is None else f"{place}: {HELD[HeldBy(held)].format(agent=live['agent'])}"


def changes(live: Json | None) -> str:
    """``+3 -1 in 2 files``, or nothing."""
    if live is None or live["files"] is None:
        return ""
    return f"+{live['additions']} -{live['deletions']} in {plural(live['files'], 'file')}"


@click.command("show")
@card_arguments
@client_command
def show(api: Api, repo: str, number: int) -> None:
    """Show a card: what is wanted, where it stands and what can be done."""
    card = find_card(api, repo, number)
    if api.as_json:
        show_json(card)
        return
    click.secho(f"#{card['number']} {one_line(card['title'])}", bold=True)
    found = conflicts_of(api, card)
    asked = [("Attached", attached(api, card)), ("Blocked", _blocked(api, card, repo))]
    for name, value in [*_facts(card), *conflict_facts(found), *asked]:
        if value:
            click.echo(f"{name + ':':<10} {one_line(value)}")
    if card["description"]:
        click.echo(f"\n{plain(card['description']).rstrip()}")
    show_ways_out(found, card, repo)


def _blocked(api: Api, card: Json, repo: str) -> str:
    """Hosts that the card's job did not reach from its container: ``example.com:443 (2 times)``, and how to
    let the next one."""
    if card["job_id"] is None:
        return ""
    hosts: dict[str, int] = api.get(f"/api/jobs/{card['job_id']}")["blocked_hosts"]
    told = ", ".join(f"{host} ({plural(times, 'time')})" for host, times in hosts.items())
    return told and f"{told}; to allow one: `lazyaf repo sandbox {repo} --allow HOST`"


def _branch(card: Json) -> str:
    name = card["branch_name"] or ""
    return (
        f"{name} (deleted; `lazyaf card restore-branch` brings it back)"
        if card["branch_deleted"]
        else name
    )


def _facts(card: Json) -> list[tuple[str, str]]:
    failure = card["failure"]
    return [
        ("Status", _state(card)),
        ("Failure", "" if failure is None else f"{failure['detail']} {failure['hint']}"),
        ("Agent", card["agent"] or "the repository's"),
        ("Labels", ", ".join(card["labels"])),
        ("Priority", PRIORITIES[card["priority"]] if card["priority"] else ""),
        ("Branch", _branch(card)),
        ("Commit", card["head_sha"] or ""),
        ("Changes", changes(card["live"])),
        ("Checks", checks_in_short(card)),
        ("Queue", merge_in_short(card)),
        ("Merged", card["merged_sha"] or ""),
        ("PR", " · ".join(filter(None, (card["pr_url"], card["pr_state"], card["pr_note"])))),
    ]
