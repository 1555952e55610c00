"""What the commit says that approving makes: the repository's template, and the trailers below it.

Trailers are put there by git itself, so that its rules of what belongs to them hold: those that a person has
written into the template or the description stay together with ours, and none is there twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from lazyaf.domain.co_authors import CO_AUTHORS
from lazyaf.domain.merge_message import fill
from lazyaf.domain.repo_settings import MergeMethod
from lazyaf.git import merge
from lazyaf.git.merge import Written
from lazyaf.git.storage import Storage
from lazyaf.git.trailers import with_trailers
from lazyaf.services.approval import Review

MERGE: Final = "Merge card #{number}: {title}"
SQUASH: Final = "{title} (card #{number})\n\n{commits}"
"""The messages of repositories that say nothing of theirs. A rebase has a commit of its own only where
nothing is left to replay."""
SUBJECTS_MAX: Final = 50
"""Commits that a message lists."""


async def merge_words(storage: Storage, review: Review, base_sha: str, head_sha: str) -> str:
    """The whole message of what merging ``head_sha`` into ``base_sha`` by this review's method makes."""
    written = await merge.written(storage, review.repo.id, base_sha, head_sha)
    usual = MERGE if review.method is MergeMethod.MERGE else SQUASH
    text = fill(review.settings.merge_message or usual, _values(review, written))
    return await with_trailers(
        storage,
        review.repo.id,
        text if text.strip() else f"{_title(review)}\n",
        _trailers(review, written),
    )


def _values(review: Review, written: Sequence[Written]) -> Mapping[str, str]:
    card = review.card
    return {
        "title": _title(review),
        "number": str(card.number),
        "description": card.description.strip(),
        "commits": _subjects(written),
        "agent": review.agent,
        "model": _model(review),
        "branch": card.branch_name or "",
        "base": review.base,
        "repo": review.repo.name,
    }


def _title(review: Review) -> str:
    return " ".join(review.card.title.split())


def _model(review: Review) -> str:
    model = review.card.agent_options.get("model")
    return " ".join(model.split()) if isinstance(model, str) else ""


def _subjects(written: Sequence[Written]) -> str:
    """One a line; nothing where there is one commit, whose subject the title has."""
    if len(written) < 2:
        return ""
    subjects = [f"* {one.subject}" for one in written[:SUBJECTS_MAX]]
    if len(written) > SUBJECTS_MAX:
        subjects.append(f"* … and {len(written) - SUBJECTS_MAX} more")
    return "\n".join(subjects)


def _trailers(review: Review, written: Sequence[Written]) -> list[tuple[str, str]]:
    """The card, the agent, and everyone but the approver who had a part in it."""
    helper = CO_AUTHORS.get(review.agent)
    authors = [
        f"{one.author} <{one.email}>" for one in written if one.email != review.approver.email
    ]
    others = dict.fromkeys([*authors, *([helper] if helper else [])])
    return [
        ("Lazyaf-Card", review.card.id),
        ("Lazyaf-Agent", " ".join(filter(None, (review.agent, _model(review))))),
        *(("Co-authored-by", other) for other in others),
    ]
