"""Runs of checks in a terminal, those of a card and those of a default branch."""

from __future__ import annotations

from collections.abc import Iterable

from lazyaf.cli.client import Json
from lazyaf.cli.terminal import show_table
from lazyaf.domain.checks import ChecksState


def show_runs(runs: Iterable[Json], *, with_base: bool) -> None:
    """As a table, in their order."""
    base = ("BASE",) if with_base else ()
    headings = ("STATE", "COMMIT", *base, "CHECKS", "JOB")
    show_table(headings, (_row(run, with_base=with_base) for run in runs))


def together_in_short(tried: Json) -> str:
    """With whom a card is tried, in brackets and after a space, or nothing: `` (together with #12, #14)``."""
    others = ", ".join(f"#{number}" for number in tried["together"])
    return f" (together with {others})" if others else ""


def _row(run: Json, *, with_base: bool) -> tuple[str, ...]:
    results = {result["name"]: result["outcome"] for result in run["results"]}
    said = ", ".join(
        f"{check['name']} {results.get(check['name'], '')}".strip().replace("_", " ")
        for check in run["checks"]
    )
    if run["state"] == ChecksState.BROKEN and run["error"]:
        said = run["error"]
    said += together_in_short(run)
    base = (run["base_sha"][:10],) if with_base else ()
    return run["state"], run["head_sha"][:10], *base, said, run["job_id"]
