"""What follows when the checks of a default branch fail, and when they pass again.

A red period begins with a run that failed and ends with one that passed. In it one card is opened, where the
settings say so; whatever fails after that is told on this card. The radar calls `follow_branch` at each look:
what there is to do is read from how the branch stands, and done in one transaction, so that a crash neither
loses a card nor opens two.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import structlog

from lazyaf.domain.cards import DESCRIPTION_MAX, CardCommand, CardStatus
from lazyaf.domain.checks import ChecksState
from lazyaf.domain.errors import LazyafError, NotFound
from lazyaf.domain.events import SERVER, EventType
from lazyaf.domain.repo_settings import BranchWatch
from lazyaf.services.announce import branch_checked, card_changed
from lazyaf.services.cards import NewCard, change_status, create_card
from lazyaf.services.context import Context
from lazyaf.services.red_words import LABEL, Blame, green_again, look_up, text_of, title_of
from lazyaf.services.start_card import RunRequest, start_card
from lazyaf.services.views import effective_settings
from lazyaf.store.cards import CardRow, get_card, update_card
from lazyaf.store.check_runs import CheckRunRow, find_run, runs_of_branch
from lazyaf.store.default_branches import (
    DefaultBranchRow,
    find_default_branch,
    put_default_branch,
)
from lazyaf.store.repos import get_repo
from lazyaf.store.tx import Tx

log = structlog.get_logger(__name__)

_VERDICTS: Final = frozenset({ChecksState.PASSED, ChecksState.FAILED})
_OPENING: Final = frozenset({BranchWatch.OPEN_CARD, BranchWatch.START_CARD})


@dataclass(frozen=True, slots=True)
class Verdict:
    """A run whose result is to be acted on."""

    row: DefaultBranchRow
    run: CheckRunRow
    sha: str


async def follow_branch(ctx: Context, repo_id: str) -> None:
    """Act on the last result of a default branch's checks, if that has not been done."""
    verdict = await ctx.db.read(_verdict, repo_id)
    if verdict is not None:
        if verdict.run.state == ChecksState.PASSED:
            await ctx.db.write(_turn_green, repo_id, ctx.clock.now())
        else:
            blame = await look_up(ctx, verdict.run, verdict.row.green_sha)
            await ctx.db.write(_turn_red, repo_id, ctx.new_id(), blame, ctx.clock.now())
    card_id = await ctx.db.read(_to_start, repo_id)
    if card_id is not None:
        try:
            await start_card(ctx, card_id, CardCommand.START, RunRequest(), SERVER)
        except LazyafError as error:
            log.warning("red_branch.not_started", card=card_id, detail=error.detail)


def _verdict(tx: Tx, repo_id: str) -> Verdict | None:
    """The result that nothing was done about yet. What is known of the tip comes first; while that is open,
    a run of an earlier one that has come to its end counts as well."""
    row = find_default_branch(tx, repo_id)
    if row is None:
        return None
    shown = find_run(tx, row.checks["job_id"]) if row.checks is not None else None
    if shown is not None and shown.state in _VERDICTS:
        verdict = Verdict(row, shown, row.sha)
        return verdict if _is_news(tx, verdict) else None
    heard = row.heard_job_id or ""
    ended = (run for run in runs_of_branch(tx, repo_id, limit=2) if run.state in _VERDICTS)
    last = next(ended, None)
    return Verdict(row, last, last.head_sha) if last is not None and last.job_id > heard else None


def _is_news(tx: Tx, verdict: Verdict) -> bool:
    row, run = verdict.row, verdict.run
    if run.state == ChecksState.PASSED:
        return row.red_since is not None or row.green_sha != row.sha
    is_unheard = row.red_since is None or run.job_id > (row.heard_job_id or "")
    return is_unheard or (row.card_id is None and _mode(tx, row.repo_id) in _OPENING)


def _mode(tx: Tx, repo_id: str) -> BranchWatch:
    return BranchWatch(effective_settings(tx, get_repo(tx, repo_id)).default_checks)


def _turn_red(tx: Tx, repo_id: str, card_id: str, blame: Blame, now: str) -> None:
    """It fails, for the first time or still."""
    verdict = _verdict(tx, repo_id)
    if verdict is None or verdict.run.state != ChecksState.FAILED or verdict.sha != blame.sha:
        return  # it went on while the commits were looked up; so does the next look
    row = _heard(verdict)
    row = replace(row, red_since=row.red_since or now, red_sha=row.red_sha or verdict.sha)
    if _mode(tx, repo_id) in _OPENING:
        row = _tell_red(tx, row, verdict.run, card_id, blame, now)
    put_default_branch(tx, row)
    branch_checked(tx, row)


def _tell_red(
    tx: Tx, row: DefaultBranchRow, run: CheckRunRow, card_id: str, blame: Blame, now: str
) -> DefaultBranchRow:
    """Open a card, or have the one that is open say what fails now. One that was deleted is missed by nobody;
    one that is done has not helped, and another is opened."""
    text = text_of(row.branch, run, blame, row.red_sha or run.head_sha)
    card = _card_of(tx, row)
    if row.card_id is None or (card is not None and card.status == CardStatus.DONE):
        new = NewCard(title_of(row.branch, run), text, labels=[LABEL])
        create_card(tx, card_id, row.repo_id, new, SERVER, now)
        return replace(row, card_id=card_id, card_text=text)
    if card is None:
        return row
    _rewrite(tx, card, row.card_text or "", text, now)
    return replace(row, card_text=text)


def _turn_green(tx: Tx, repo_id: str, now: str) -> None:
    """It passes: the red period is over, if there was one."""
    verdict = _verdict(tx, repo_id)
    if verdict is None or verdict.run.state != ChecksState.PASSED:
        return
    card = _card_of(tx, verdict.row)
    if card is not None and card.status != CardStatus.DONE:
        _tell_green(tx, verdict, card, now)
    row = replace(
        _heard(verdict),
        green_sha=verdict.sha,
        red_since=None,
        red_sha=None,
        card_id=None,
        card_text=None,
    )
    put_default_branch(tx, row)
    branch_checked(tx, row)


def _tell_green(tx: Tx, verdict: Verdict, card: CardRow, now: str) -> None:
    """Say so on the card, and close it when nobody has begun with it."""
    is_withdrawn = _is_untouched(card)
    note = green_again(verdict.row.branch, verdict.sha, now, is_withdrawn=is_withdrawn)
    if is_withdrawn:
        values = {"description": _fitting(f"{note}\n\n{card.description}")}
        change_status(tx, card, CardCommand.WITHDRAW, values, SERVER, now)
    else:
        _rewrite(tx, card, card.description, f"{note}\n\n{card.description}", now)


def _heard(verdict: Verdict) -> DefaultBranchRow:
    heard = max(verdict.row.heard_job_id or "", verdict.run.job_id)
    return replace(verdict.row, heard_job_id=heard)


def _to_start(tx: Tx, repo_id: str) -> str | None:
    """The card whose agent is to begin."""
    row = find_default_branch(tx, repo_id)
    card = _card_of(tx, row) if row is not None else None
    if card is None or not _is_untouched(card):
        return None
    return card.id if _mode(tx, repo_id) is BranchWatch.START_CARD else None


def _card_of(tx: Tx, row: DefaultBranchRow) -> CardRow | None:
    try:
        return get_card(tx, row.card_id) if row.card_id is not None else None
    except NotFound:
        return None


def _is_untouched(card: CardRow) -> bool:
    return card.status == CardStatus.TODO and card.job_id is None


def _rewrite(tx: Tx, card: CardRow, old: str, new: str, now: str) -> None:
    """Put what the server says now in the place of what it said; a person's own words stay."""
    if old and old in card.description:
        text = card.description.replace(old, new, 1)
    else:
        text = f"{new}\n\n{card.description}"
    update_card(tx, card, {"description": _fitting(text), "updated_at": now})
    card_changed(tx, EventType.CARD_UPDATED, card.id, SERVER)


def _fitting(text: str) -> str:
    """As much of it as a description may have."""
    return text.encode()[:DESCRIPTION_MAX].decode(errors="ignore")
