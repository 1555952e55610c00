"""``lazyaf card comments`` and ``lazyaf card rounds``: what was said about a card's changes, what came of it,
and what each round has changed."""

from __future__ import annotations

from typing import Any

import click

from lazyaf.cli.card.naming import card_arguments, find_card
from lazyaf.cli.client import Api, Json, client_command
from lazyaf.cli.diff_view import show_diff, show_stat
from lazyaf.cli.terminal import one_line, plain, plural, show_json, show_table
from lazyaf.domain.comments import CommentState, Side, place_of

COLOURS = {
    CommentState.OPEN: "yellow",
    CommentState.OUTDATED: None,
    CommentState.ANSWERED: "cyan",
    CommentState.RESOLVED: "green",
}


class CommentNumber(click.ParamType[int]):
    """``3``, or ``#3`` as it is shown."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number."""
        digits = str(value).removeprefix("#")
        if not (digits.isascii() and digits.isdigit()) or not 0 < int(digits) < 2**31:
            self.fail(f"“{value}” is no comment's number, like 3.", param, ctx)
        return int(digits)


@click.command("comments")
@card_arguments
@click.option("--resolve", "resolved", type=CommentNumber(), multiple=True, help="It is settled.")
@click.option(
    "--unresolve", "unresolved", type=CommentNumber(), multiple=True, help="It is not after all."
)
@client_command
def comments(
    api: Api, repo: str, number: int, resolved: tuple[int, ...], unresolved: tuple[int, ...]
) -> None:
    """List the comments on a card's changes, with the agent's answers and where their lines are now."""
    card = find_card(api, repo, number)
    path = f"/api/cards/{card['id']}/comments"
    for each in resolved:
        api.post(f"{path}/{each}/resolve")
    for each in unresolved:
        api.post(f"{path}/{each}/unresolve")
    found = list(api.pages(path))
    if api.as_json:
        show_json({"items": found, "next_cursor": None})
    elif not found:
        click.echo(f"Nobody has commented on #{number}.")
    for comment in found if not api.as_json else ():
        _show(comment)


def _show(comment: Json) -> None:
    state = CommentState(comment["state"])
    head = f"#{comment['number']} {one_line(_place(comment))}"
    click.echo(
        f"{click.style(head, bold=True)}  {click.style(state.value, fg=COLOURS[state])}, "
        f"round {comment['round']}"
    )
    click.echo(_indented(comment["body"]))
    if comment["reply"] is not None:
        click.echo(_indented(f"→ {comment['reply']['text']}"))


def _place(comment: Json) -> str:
    """Where its lines are, or else where they were."""
    at = comment["at"] or comment
    place = place_of(at["path"], at["start_line"], at["line"])
    removed = " (removed)" if comment["side"] == Side.OLD and at["line"] is not None else ""
    gone = "" if comment["at"] is not None else f" at {comment['head_sha'][:10]}"
    return place + removed + gone


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in plain(text).strip().splitlines())


def unresolved_in_short(api: Api, card: Json) -> str:
    """``2 comments are not resolved: #1 open, #3 answered``; empty when there are none."""
    waiting = [
        f"#{comment['number']} {comment['state']}"
        for comment in api.pages(f"/api/cards/{card['id']}/comments")
        if comment["state"] != CommentState.RESOLVED
    ]
    if not waiting:
        return ""
    verb = "is" if len(waiting) == 1 else "are"
    return f"{plural(len(waiting), 'comment')} {verb} not resolved: {', '.join(waiting)}"


@click.command("rounds")
@card_arguments
@click.option("--diff", "shown", type=click.IntRange(1), help="What this round alone has changed.")
@client_command
def rounds(api: Api, repo: str, number: int, shown: int | None) -> None:
    """List the rounds of a card: each run of its agent, and the commits around it."""
    card = find_card(api, repo, number)
    path = f"/api/cards/{card['id']}/rounds"
    if shown is not None:
        diff = api.get(f"{path}/{shown}/diff")
        if api.as_json:
            show_json(diff)
        else:
            _show_part(diff)
        return
    found = list(api.pages(path))
    if api.as_json:
        show_json({"items": found, "next_cursor": None})
    elif not found:
        click.echo(f"#{number} has not been worked on.")
    else:
        show_table(("ROUND", "STATE", "FROM", "TO", "BASE", "COMMENTS", "JOB"), map(_row, found))


def _show_part(diff: Json) -> None:
    show_diff(diff)
    show_stat(diff, err=True)
    if diff["carried"] == "conflicted":
        files = ", ".join(one_line(name) for name in diff["carried_conflicts"])
        click.echo(
            "The base moved, and the earlier work conflicted with it: the lines before are those of the "
            f"conflict in {files}.",
            err=True,
        )
    if diff["next_cursor"] is not None:
        click.echo(f"These are the first of {plural(diff['total_files'], 'file')}.", err=True)


def _row(each: Json) -> tuple[str, ...]:
    return (
        str(each["number"]),
        str(each["stop_reason"] or each["status"]).replace("_", " "),
        (each["before_sha"] or "")[:10],
        (each["after_sha"] or "")[:10],
        "moved" if each["base_moved"] else "",
        ", ".join(f"#{number}" for number in each["comments"]),
        each["job_id"],
    )
