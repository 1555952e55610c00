"""What stands in the way of a card in review: its base, other cards, and how a person settles it.

All of it is what the radar has found out; nothing is computed here.
"""

from __future__ import annotations

import shlex
from typing import Any

from lazyaf.services.card_branch import base_of
from lazyaf.services.compare_reviews import conflicting_files
from lazyaf.store.cards import CardRow, cards_in_review, get_card
from lazyaf.store.head_pairs import pairs_in_conflict
from lazyaf.store.repos import RepoRow, get_repo
from lazyaf.store.tx import Tx


def card_conflicts(tx: Tx, card_id: str, server_url: str) -> dict[str, Any]:
    """The files that do not merge with the base, the other cards with theirs, and the commands to settle it
    by hand; ``server_url`` is how git reaches this server. Of a card that is not in review nothing is known.
    """
    card = get_card(tx, card_id)
    repo = get_repo(tx, card.repo_id)
    base = base_of(card, repo)
    is_known = card.status == "in_review" and card.head_sha is not None
    return {
        "base_ref": base,
        "base_sha": card.base_sha if is_known else None,
        "head_ref": card.branch_name,
        "head_sha": card.head_sha,
        "behind": card.behind if is_known else None,
        "mergeable": card.mergeable if is_known else None,
        "files": card.conflicts if is_known else [],
        "cards": _others(tx, card, repo) if is_known else [],
        "uncompared": card.uncompared if is_known else 0,
        "commands": _by_hand(f"{server_url}/git/{repo.id}.git", card.branch_name, base)
        if card.branch_name
        else [],
    }


def _others(tx: Tx, card: CardRow, repo: RepoRow) -> list[dict[str, Any]]:
    """The cards that this one conflicts with, by number."""
    head = str(card.head_sha)
    pairs = {
        pair.other_sha if pair.one_sha == head else pair.one_sha: pair
        for pair in pairs_in_conflict(tx, repo.id, head)
    }
    base = base_of(card, repo)
    found = []
    for other in cards_in_review(tx, repo.id):
        pair = pairs.get(str(other.head_sha))
        if pair is None or other.id == card.id or base_of(other, repo) != base:
            continue
        files = conflicting_files(pair, card, other)
        if files is not None:
            named = {"id": other.id, "number": other.number, "title": other.title}
            found.append({**named, "files": files})
    return sorted(found, key=lambda each: each["number"])


def _by_hand(url: str, branch: str, base: str) -> list[str]:
    """What to type in a clone. On a detached HEAD, so that no branch of the clone's own is in the way."""
    git_url, head, onto = shlex.quote(url), shlex.quote(branch), shlex.quote(base)
    return [
        f"git fetch {git_url} {head}",
        "git switch --detach FETCH_HEAD",
        f"git pull --no-rebase --no-edit {git_url} {onto}",
        f"git push {git_url} {shlex.quote(f'HEAD:refs/heads/{branch}')}",
    ]
