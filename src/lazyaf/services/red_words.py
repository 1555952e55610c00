"""What the card says that is opened for a red default branch: for people, and for the agent that mends it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lazyaf.domain.cards import TITLE_MAX
from lazyaf.domain.checks import CheckResult, how_it_ended
from lazyaf.git import log
from lazyaf.git.log import Commit
from lazyaf.services.check_state import failures_of
from lazyaf.services.context import Context
from lazyaf.store.check_runs import CheckRunRow

LABEL: Final = "red branch"
COMMITS_MAX: Final = 10
"""Commits that are listed between the last green one and the red one."""
OUTPUT_MAX: Final = 6_000
"""Characters of what one failed check printed, of its end."""


@dataclass(frozen=True, slots=True)
class Blame:
    """A commit that was checked, by its full id, and those since the last one that is known to have passed,
    itself first; no more than `COMMITS_MAX` and one."""

    sha: str
    green_sha: str | None
    commits: Sequence[Commit]


async def look_up(ctx: Context, run: CheckRunRow, green_sha: str | None) -> Blame:
    """Who may have made it red."""
    known = [green_sha] if green_sha is not None else []
    limit = COMMITS_MAX + 1 if known else 1
    commits = await log.commits_beyond(ctx.git, run.repo_id, run.head_sha, known, limit)
    return Blame(run.head_sha, green_sha, commits)


def title_of(branch: str, run: CheckRunRow) -> str:
    """A line, as long as titles may be."""
    names = ", ".join(result["name"] for result, _ in failures_of(run))
    title = f"{branch} is red: {names or 'its checks'} failed"
    return title if len(title) <= TITLE_MAX else f"{title[: TITLE_MAX - 1]}…"


def text_of(branch: str, run: CheckRunRow, blame: Blame, red_sha: str) -> str:
    """The failing commands with their exit codes and the end of what they printed, the commit and who made
    it, where it began, and the way to the page of the log."""
    parts = [_where(branch, blame)]
    if red_sha != run.head_sha:
        parts.append(f"It has been red since `{red_sha[:10]}`.")
    if listed := _since_green(blame):
        parts.append(listed)
    parts += [_failure(result, command) for result, command in failures_of(run)]
    parts.append(f"[The log of the checks](/r/{run.repo_id}/checks/{run.job_id})")
    parts.append("Find out why, mend it, and commit.")
    return "\n\n".join(parts)


def green_again(branch: str, sha: str, now: str, *, is_withdrawn: bool) -> str:
    """What is put before the rest when another commit has mended it."""
    then = (
        "Nobody had begun with this card, so it was closed."
        if is_withdrawn
        else "Look whether this card is still needed."
    )
    return f"> `{branch}` is green again at `{sha[:10]}` ({now[:16].replace('T', ' ')} UTC), by another way. {then}"


def _where(branch: str, blame: Blame) -> str:
    head = blame.commits[0] if blame.commits and blame.commits[0].sha == blame.sha else None
    made = f", {_told(head)}" if head is not None else ""
    return f"The checks of `{branch}` do not pass at `{blame.sha[:10]}`{made}."


def _since_green(blame: Blame) -> str:
    if blame.green_sha is None or len(blame.commits) < 2:
        return ""
    lines = [f"- `{one.sha[:10]}` {_told(one)}" for one in blame.commits[:COMMITS_MAX]]
    if len(blame.commits) > COMMITS_MAX:
        lines.append("- and earlier ones")
    return "\n".join([f"Since `{blame.green_sha[:10]}`, which passed:", "", *lines])


def _told(commit: Commit) -> str:
    return f"“{_plain(commit.subject)}” by {_plain(commit.author_name)}"


def _plain(text: str) -> str:
    """A line of somebody's that is to be read and not to be set: no markup, no line of its own."""
    return re.sub(r"([\\`*_\[\]<>#|~])", r"\\\1", " ".join(text.replace("\0", "").split()))


def _failure(result: CheckResult, command: str) -> str:
    printed = result["last_lines"][-OUTPUT_MAX:].strip("\n")
    text = f"**{_plain(result['name'])}** {how_it_ended(result)}:\n\n{_fenced(command, 'sh')}"
    return f"{text}\n\nThe last lines that it printed:\n\n{_fenced(printed)}" if printed else text


def _fenced(text: str, language: str = "text") -> str:
    """As code, whatever it holds."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
