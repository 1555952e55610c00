"""The commands of a card that need no look at its work: start, retry, cancel, reject and so on."""

from __future__ import annotations

import click

from lazyaf.cli.card.in_short import merge_in_short
from lazyaf.cli.card.naming import card_arguments, find_card, run_options
from lazyaf.cli.client import Api, Json, client_command
from lazyaf.cli.terminal import one_line, show_json
from lazyaf.domain.cards import UpdateMethod


def give(api: Api, card: Json, command: str, body: Json | None = None) -> Json:
    """Give the card a command and tell what it is now."""
    now: Json = api.post(f"/api/cards/{card['id']}/{command}", body)
    if api.as_json:
        show_json(now)
    else:
        state = "stopping" if now["stopping"] else str(now["status"]).replace("_", " ")
        if now["merge_state"] is not None:
            state += f"; {one_line(merge_in_short(now))}"
        click.echo(f"#{now['number']} {one_line(now['title'])} is {state.removesuffix('.')}.")
    return now


@click.command("start")
@card_arguments
@run_options
@client_command
def start(api: Api, repo: str, number: int, fresh: bool, message: str) -> None:
    """Queue a card for an agent."""
    give(api, find_card(api, repo, number), "start", {"fresh": fresh, "message": message})


@click.command("retry")
@card_arguments
@run_options
@client_command
def retry(api: Api, repo: str, number: int, fresh: bool, message: str) -> None:
    """Start a failed card again; it goes on where the work stands."""
    give(api, find_card(api, repo, number), "retry", {"fresh": fresh, "message": message})


@click.command("resolve")
@card_arguments
@click.option("--message", "-m", default="", help="Something more to tell the agent.")
@client_command
def resolve(api: Api, repo: str, number: int, message: str) -> None:
    """Send a card that conflicts with its base back to its agent, to resolve that."""
    give(api, find_card(api, repo, number), "resolve-conflicts", {"message": message})


@click.command("update-branch")
@card_arguments
@click.option(
    "--method",
    type=click.Choice([method.value for method in UpdateMethod]),
    default=UpdateMethod.MERGE.value,
    show_default=True,
    help="A merge commit, or the branch's commits replayed upon the base.",
)
@client_command
def update_branch(api: Api, repo: str, number: int, method: str) -> None:
    """Bring the base into the branch of a card in review, where that is clean."""
    now = give(api, find_card(api, repo, number), "update-branch", {"method": method})
    if not api.as_json:
        click.echo(f"{now['branch_name']} is at {now['head_sha']}.")


@click.command("cancel")
@card_arguments
@client_command
def cancel(api: Api, repo: str, number: int) -> None:
    """Stop a card's agent; the work so far is kept on the branch."""
    give(api, find_card(api, repo, number), "cancel")


@click.command("cancel-all")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@client_command
def cancel_all(api: Api, yes: bool) -> None:
    """Stop every agent and empty the queue; the work so far is kept on the branches."""
    if not yes:
        click.confirm("Stop every job that waits or runs, in all repositories?", abort=True)
    answer = api.post("/api/jobs/cancel-all")
    if api.as_json:
        show_json(answer)
    else:
        click.echo(f"Told {answer['cancelled']} jobs to stop.")


@click.command("reject")
@card_arguments
@client_command
def reject(api: Api, repo: str, number: int) -> None:
    """Put a card back to To Do; its work is archived and its branch stays."""
    give(api, find_card(api, repo, number), "reject")


@click.command("close")
@card_arguments
@client_command
def close(api: Api, repo: str, number: int) -> None:
    """Close a card in review whose pull request was merged on its forge. Merges nothing here."""
    card = find_card(api, repo, number)
    if card["pr_url"] and card["pr_state"] != "merged":
        api.post(f"/api/cards/{card['id']}/pull-request/refresh")
    give(api, card, "close")


@click.command("reopen")
@card_arguments
@client_command
def reopen(api: Api, repo: str, number: int) -> None:
    """Put a done card back to To Do."""
    give(api, find_card(api, repo, number), "reopen")


@click.command("restore-branch")
@card_arguments
@client_command
def restore_branch(api: Api, repo: str, number: int) -> None:
    """Bring a card's deleted branch back to its last commit."""
    now = give(api, find_card(api, repo, number), "restore-branch")
    if not api.as_json:
        click.echo(f"{now['branch_name']} is at {now['head_sha']} again.")


@click.command("delete")
@card_arguments
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@client_command
def delete(api: Api, repo: str, number: int, yes: bool) -> None:
    """Delete a card with its runs; its branch stays."""
    card = find_card(api, repo, number)
    title = f"#{card['number']} {one_line(card['title'])}"
    if not yes:
        click.confirm(f"Delete {title} with its runs?", abort=True)
    api.delete(f"/api/cards/{card['id']}")
    if api.as_json:
        show_json(card)
    else:
        click.echo(f"Deleted {title}.")
