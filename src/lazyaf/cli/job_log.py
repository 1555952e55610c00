"""A job's log in a terminal: how entries are told, and how it is followed to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

import click

from lazyaf.cli.client import Api, Json
from lazyaf.cli.failures import Unreachable
from lazyaf.cli.terminal import one_line, plain
from lazyaf.protocol.retry import RETRY_FIRST_S, RETRY_MAX_S

PAGE: Final = 1000
PATIENCE_S: Final = 60.0
"""How long a followed log outlives its server, which may only be restarting."""
RESULT_LINES: Final = 20


def entries(api: Api, job_id: str) -> Iterator[Json]:
    """What the log holds now."""
    after = 0
    while True:
        page = api.get(f"/api/jobs/{job_id}/logs", after=after, limit=PAGE)
        yield from page["items"]
        if not page["items"]:
            return
        after = page["next_after"]


def follow(
    api: Api,
    job_id: str,
    *,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> Iterator[Json]:
    """Entries until the job is over. A stream that breaks is taken up where it broke."""
    after, wait, heard = 0, RETRY_FIRST_S, now()
    while True:
        try:
            for kind, entry in api.events(f"/api/jobs/{job_id}/logs", after=after):
                if kind == "end":
                    return
                after = int(entry["seq"])
                yield entry
            heard, wait = now(), RETRY_FIRST_S
        except Unreachable:
            if now() - heard > PATIENCE_S:
                raise
        sleep(wait)
        wait = min(RETRY_MAX_S, wait * 2)


def show_entry(entry: Json, *, full: bool = False) -> None:
    """Print one entry; long results are cut unless ``full``."""
    text = plain(entry["text"]).rstrip("\n")
    match entry["kind"]:
        case "phase":
            click.secho(f"── {one_line(entry['name'] or text)}", bold=True)
        case "tool_call":
            click.secho(f"▸ {one_line(entry['name'] or '')} {one_line(text)}".rstrip(), fg="cyan")
        case "tool_result":
            _show_result(text, is_error=entry["is_error"], full=full)
        case "user":
            click.secho(f"» {text}", fg="green")
        case "usage":
            _show_usage(entry["usage"])
        case "git":
            _show_git(entry, text)
        case "thinking" | "system" | "raw":
            click.secho(text, dim=True)
        case "stderr":
            click.secho(text, fg="red")
        case _:
            click.echo(text)


def _show_result(text: str, *, is_error: bool, full: bool) -> None:
    lines = text.splitlines()
    shown = lines if full else lines[:RESULT_LINES]
    for line in shown:
        click.secho(f"  {line}", fg="red" if is_error else None, dim=not is_error)
    if len(shown) < len(lines):
        click.secho(f"  … {len(lines) - len(shown)} more lines (--full)", dim=True)


def _show_usage(usage: Json | None) -> None:
    if usage is None:
        return
    tokens = usage["input_tokens"] + usage["output_tokens"]
    click.secho(f"{tokens} tokens, ${usage['cost_usd']:.2f}", dim=True)


def _show_git(entry: Json, text: str) -> None:
    detail = entry["detail"] or {}
    words = [str(detail.get("sha") or "")[:12], str(detail.get("subject") or "")]
    told = one_line(" ".join(word for word in words if word))
    click.secho(f"● {text}" if text else f"● {told}", fg="yellow")
