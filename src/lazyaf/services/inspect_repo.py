"""Reads for people: branches, the commit graph and diffs."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from lazyaf.git import blobs, diff, log, merge, refs
from lazyaf.git.interdiff import Interdiff, interdiff
from lazyaf.services.card_ends import Ends, card_and_repo, card_ends
from lazyaf.services.context import Context
from lazyaf.services.repositories import find_repo
from lazyaf.services.track_remote import remote_distances
from lazyaf.services.views import default_checks_view
from lazyaf.store.cards import CardRow, cards_by_branch
from lazyaf.store.repos import RepoRow


async def list_branches(
    ctx: Context, repo_id: str, after: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of branches by name, each with the card it belongs to."""
    repo = await ctx.db.read(find_repo, repo_id)
    if not ctx.git.exists(repo.id):
        return [], None
    found, more = await refs.list_branches(
        ctx.git, repo.id, repo.default_branch, after=after, limit=limit
    )
    by_branch = await ctx.db.read(cards_by_branch, repo.id)
    checks = await ctx.db.read(default_checks_view, repo.id)
    there = await remote_distances(ctx, repo.id, {branch.name: branch.sha for branch in found})
    items = [
        {
            **_branch(branch, by_branch.get(branch.name), repo),
            "remote": there.get(branch.name),
            "checks": checks if branch.name == repo.default_branch else None,
        }
        for branch in found
    ]
    return items, found[-1].name if more and found else None


def _branch(branch: refs.Branch, card: CardRow | None, repo: RepoRow) -> dict[str, Any]:
    here = card if card is not None and card.head_sha == branch.sha else None
    # What was squashed or rebased is merged, although the base has none of these commits.
    landed = here is not None and here.status == "done" and here.merged_sha is not None
    in_review = here is not None and here.status == "in_review"
    return {
        "name": branch.name,
        "sha": branch.sha,
        "ahead": branch.ahead,
        "behind": branch.behind,
        "subject": branch.subject,
        "author": branch.author,
        "committed_at": branch.committed_at,
        "is_default": branch.name == repo.default_branch,
        "is_merged": branch.merged or landed,
        "mergeable": here.mergeable if here is not None and in_review else None,
        "card": _owner(card),
    }


def _owner(card: CardRow | None) -> dict[str, Any] | None:
    if card is None:
        return None
    return {"id": card.id, "number": card.number, "title": card.title, "status": card.status}


async def list_commits(
    ctx: Context, repo_id: str, ref: str | None, cursor: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the commit graph from a branch, or of all branches."""
    repo = await ctx.db.read(find_repo, repo_id)
    if not ctx.git.exists(repo.id):
        return [], None
    page = await log.commits(ctx.git, repo.id, ref, cursor, limit)
    return [asdict(commit) for commit in page.items], page.next_cursor


async def repo_diff(
    ctx: Context, repo_id: str, base: str, head: str, path: str | None = None, skip: int = 0
) -> dict[str, Any]:
    """What ``head`` changes since it left ``base``; both are branches, tags or full ids. The page
    of files after ``skip``, or the one file at ``path``, larger than a page would show it."""
    repo = await ctx.db.read(find_repo, repo_id)
    found = await diff.diff(ctx.git, repo.id, base, head, path=path, skip=skip)
    return await asyncio.to_thread(_as_view, found, base, head)


async def card_diff(
    ctx: Context, card_id: str, path: str | None = None, skip: int = 0, since: str | None = None
) -> dict[str, Any]:
    """What the card's branch changes since it left its base, and whether it merges now; or what it changes
    ``since`` another commit of it. ``path`` and ``skip`` are those of `repo_diff`."""
    card, repo = await ctx.db.read(card_and_repo, card_id)
    ends = await card_ends(ctx, card, repo)
    if ends.head_sha is None:  # nothing was pushed yet, which is no error: there are no changes
        nothing = diff.Diff(ends.base_sha, ends.base_sha, diff.NOTHING, [])
        return _as_view(nothing, ends.base_ref, ends.head_ref)
    if since is not None:
        part = await interdiff(
            ctx.git, repo.id, ends.base_sha, since, ends.head_sha, path=path, skip=skip
        )
        return await interdiff_view(ends, part)
    found = await diff.diff(ctx.git, repo.id, ends.base_sha, ends.head_sha, path=path, skip=skip)
    merges = await merge.mergeability(ctx.git, repo.id, ends.base_sha, ends.head_sha)
    view = await asyncio.to_thread(_as_view, found, ends.base_ref, ends.head_ref)
    return {**view, "mergeable": merges.clean, "conflicts": merges.files}


async def interdiff_view(ends: Ends, part: Interdiff) -> dict[str, Any]:
    """A part of a card's changes as a client sees it."""
    view = await asyncio.to_thread(_as_view, part.diff, ends.base_ref, ends.head_ref)
    return {**view, "carried": part.carried.value, "carried_conflicts": part.files}


async def read_file_of_repo(ctx: Context, repo_id: str, blob_id: str) -> bytes:
    """A file's content by the id that a diff names. Raises `NotFound`, `TooLarge`."""
    repo = await ctx.db.read(find_repo, repo_id)
    return await blobs.read_blob(ctx.git, repo.id, blob_id)


def _as_view(found: diff.Diff, base_ref: str, head_ref: str) -> dict[str, Any]:
    return {
        "base_sha": found.base_sha,
        "head_sha": found.head_sha,
        "base_ref": base_ref,
        "head_ref": head_ref,
        "additions": found.total.additions,
        "deletions": found.total.deletions,
        "total_files": found.total.files,
        "files": [asdict(file) for file in found.files],
        "next_cursor": found.rest,
        "mergeable": None,
        "conflicts": [],
        "carried": None,
        "carried_conflicts": [],
    }
