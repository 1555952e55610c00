"""What follows when branches of a repository have moved, by a push or by a merge.

What it means for the cards in review is found out by the radar (`lazyaf.services.radar`), which hears of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog

from lazyaf.domain.errors import Invalid, LazyafError
from lazyaf.domain.events import Actor, EventType, NewEvent
from lazyaf.domain.repo_settings import CONFIG_PATH, PROMPT_PATH, parse_config
from lazyaf.git import blobs, refs
from lazyaf.git.pktline import ZERO
from lazyaf.services.card_branch import branch_ref
from lazyaf.services.context import Context
from lazyaf.services.repositories import find_repo, mark_ingested, set_file_settings
from lazyaf.services.restore_branch import note_branches
from lazyaf.store.tx import Tx

log = structlog.get_logger(__name__)

HEADS = "refs/heads/"


async def branches_pushed(
    ctx: Context, repo_id: str, moved: Sequence[tuple[str, str, str]], actor: Actor
) -> None:
    """Branches were pushed (old, new, ref): note it, and refresh what depends on them."""
    heads = [(ref.removeprefix(HEADS), new) for _, new, ref in moved if ref.startswith(HEADS)]
    if not heads:
        return
    repo = await ctx.db.read(find_repo, repo_id)
    if await refs.resolve(ctx.git, repo_id, branch_ref(repo.default_branch)) is not None:
        await ctx.db.write(mark_ingested, repo_id, actor, ctx.clock.now())
    await ctx.db.write(_announce, repo_id, heads, actor)
    if any(name == repo.default_branch for name, _ in heads):
        await refresh_config(ctx, repo_id)


async def branch_merged(ctx: Context, repo_id: str, branch: str) -> None:
    """A card was merged into a branch: the repository's own settings may be new. What goes wrong here
    undoes no merge."""
    try:
        repo = await ctx.db.read(find_repo, repo_id)
        if branch == repo.default_branch:
            await refresh_config(ctx, repo_id)
    except LazyafError as error:
        log.warning("not_refreshed", repo=repo_id, detail=error.detail)


def _announce(tx: Tx, repo_id: str, heads: list[tuple[str, str]], actor: Actor) -> None:
    note_branches(tx, repo_id, {name: sha != ZERO for name, sha in heads}, actor)
    for name, sha in heads:
        data: dict[str, Any] = {"branch": name, "sha": sha, "repo_id": repo_id}
        tx.emit(NewEvent(EventType.BRANCH_PUSHED, repo_id, actor, 0, data))


async def refresh_config(ctx: Context, repo_id: str) -> None:
    """Read the repository's own settings at the tip of its default branch."""
    repo = await ctx.db.read(find_repo, repo_id)
    tip = await refs.resolve(ctx.git, repo_id, branch_ref(repo.default_branch))
    if tip is None:
        return
    config = await blobs.read_file(ctx.git, repo_id, tip, CONFIG_PATH)
    prompt = await blobs.read_file(ctx.git, repo_id, tip, PROMPT_PATH)
    found: dict[str, Any] = {}
    wrong: str | None = None
    try:
        found = parse_config(config.decode()) if config is not None else {}
    except Invalid as error:
        wrong = error.detail
    except UnicodeDecodeError:
        wrong = f"{CONFIG_PATH} is not UTF-8."
    # A NUL is nothing that a prompt needs, and PostgreSQL cannot keep one.
    template = prompt.decode(errors="replace").replace("\0", "\ufffd") if prompt else None
    await ctx.db.write(set_file_settings, repo_id, found, template, wrong, ctx.clock.now())
