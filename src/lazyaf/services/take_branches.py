"""Takes what was fetched from the remote into the branches and tags here: made and forwarded, never forced; and
says in a sentence what that brought and what was left as it is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from lazyaf.domain.errors import BranchMoved, Conflict
from lazyaf.domain.events import Actor
from lazyaf.domain.repo_settings import is_protected
from lazyaf.git import refs
from lazyaf.git.fetch import Fetched
from lazyaf.git.pktline import ZERO
from lazyaf.git.refs import HEADS, TAGS, RefUpdate
from lazyaf.services.after_push import branches_pushed
from lazyaf.services.context import Context
from lazyaf.services.protect_branches import approve_only
from lazyaf.store.cards import cards_by_branch
from lazyaf.store.repos import RepoRow, get_repo, update_repo
from lazyaf.store.tx import Tx

NAMED: Final = 10
"""Branches that a note names."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a fetch brought: ``new`` branches, ``moved`` ones beside the default one, and by how many commits
    that was brought forward. ``kept`` were left as they are; ``apart`` says of the default branch that it went
    its own way: how many commits it has for itself, and how many it lacks."""

    repo: str
    default: str
    new: int = 0
    moved: int = 0
    forward: int = 0
    kept: Collection[str] = field(default=())
    apart: tuple[int, int] | None = None

    @property
    def news(self) -> str:
        """What it brought, in a sentence."""
        said = []
        if self.forward:
            said.append(f"{self.default} was brought forward by {_count(self.forward, 'commit')}")
        if self.moved:
            others = _count(self.moved, "other branch" if self.forward else "branch", "es")
            said.append(f"{others} {'was' if self.moved == 1 else 'were'} brought forward")
        if self.new:
            said.append(
                f"{_count(self.new, 'branch', 'es')} {'is' if self.new == 1 else 'are'} new"
            )
        if not said:
            return "Nothing came forward." if self.kept else "Nothing new."
        return f"{', '.join(said)}."

    @property
    def left(self) -> str | None:
        """What was left as it is, why, and what to do; None where nothing was."""
        said = []
        if self.apart is not None:
            own, lacks = self.apart
            said.append(
                f"{self.default} went its own way: it has {_count(own, 'commit')} that the remote lacks, and "
                f"lacks {lacks} of the remote's. Land it, and have the remote's merged in first "
                f"(`lazyaf land {self.repo} --branch {self.default} --merge`)."
            )
        rest = sorted(set(self.kept) - ({self.default} if self.apart else set()))
        if rest:
            named = ", ".join(rest[:NAMED]) + (" …" if len(rest) > NAMED else "")
            said.append(
                "Left as they are, because they have commits of their own here, are protected or belong to "
                f"a card: {named}."
            )
        return " ".join(said) or None


def _count(number: int, noun: str, plural: str = "s") -> str:
    return f"{number} {noun}{'' if number == 1 else plural}"


async def take_branches(ctx: Context, repo: RepoRow, fetched: Fetched, actor: Actor) -> Taken:
    """Make and forward branches, make tags. The first time the default branch becomes the remote's."""
    updates, kept = await _plan(ctx, repo, fetched)
    done = await _apply(ctx, repo, updates)
    made = {update.ref for update in done}
    kept += [u.ref.removeprefix(HEADS) for u in updates if u.ref not in made]
    default = await _default(ctx, repo, fetched)
    moved = [u for u in done if u.ref.startswith(HEADS)]
    await branches_pushed(
        ctx, repo.id, [(u.old or ZERO, u.new or ZERO, u.ref) for u in moved], actor
    )
    return await _told(ctx, repo, default, fetched, moved, kept)


async def _apply(ctx: Context, repo: RepoRow, updates: list[RefUpdate]) -> list[RefUpdate]:
    """All at once, or, where one has moved meanwhile, one by one; those that were made."""
    try:
        await refs.update(ctx.git, repo.id, updates)
    except (BranchMoved, Conflict):
        done = []
        for update in updates:
            try:
                await refs.update(ctx.git, repo.id, [update])
                done.append(update)
            except (BranchMoved, Conflict):
                continue
        return done
    return updates


async def _default(ctx: Context, repo: RepoRow, fetched: Fetched) -> str:
    """The default branch from now on: before there is content the remote's own, or the likeliest."""
    likely = (fetched.head, "main", "master", *sorted(fetched.branches))
    default = next((name for name in likely if name in fetched.branches), None)
    if repo.is_ingested or default is None or default == repo.default_branch:
        return repo.default_branch
    await ctx.git.set_head(repo.id, default)
    await ctx.db.write(_set_default, repo.id, default, ctx.clock.now())
    return default


def _set_default(tx: Tx, repo_id: str, branch: str, now: str) -> None:
    update_repo(tx, get_repo(tx, repo_id), {"default_branch": branch, "updated_at": now})


async def _told(
    ctx: Context,
    repo: RepoRow,
    default: str,
    fetched: Fetched,
    moved: list[RefUpdate],
    kept: list[str],
) -> Taken:
    """How far the default branch came, or is from the remote's."""
    new = sum(update.old in (None, ZERO) for update in moved)
    forward, apart = 0, None
    mine = next((update for update in moved if update.ref == HEADS + default), None)
    if mine is not None and mine.new and mine.old not in (None, ZERO):
        forward, _ = await refs.distance(ctx.git, repo.id, mine.new, mine.old)
    here = await refs.resolve(ctx.git, repo.id, HEADS + default)
    if default in kept and here is not None:
        own, lacks = await refs.distance(ctx.git, repo.id, here, fetched.branches[default])
        apart = (own, lacks) if own else None
    others = len(moved) - new - (1 if forward else 0)
    return Taken(repo.name, default, new, others, forward, tuple(kept), apart)


async def _plan(ctx: Context, repo: RepoRow, fetched: Fetched) -> tuple[list[RefUpdate], list[str]]:
    here = await refs.tips(ctx.git, repo.id, [HEADS + name for name in fetched.branches])
    tags = await refs.tips(ctx.git, repo.id, [TAGS + name for name in fetched.tags])
    cards = await ctx.db.read(cards_by_branch, repo.id)
    closed = await ctx.db.read(approve_only, repo.id)
    updates = [
        RefUpdate(TAGS + name, sha, ZERO)
        for name, sha in fetched.tags.items()
        if TAGS + name not in tags
    ]
    kept: list[str] = []
    for name, sha in fetched.branches.items():
        old = here.get(HEADS + name)
        if old == sha:
            continue
        is_ours = name in cards or is_protected(name, closed)
        if not is_ours and (old is None or await refs.is_ancestor(ctx.git, repo.id, old, sha)):
            updates.append(RefUpdate(HEADS + name, sha, old or ZERO))
        elif old is None or not await refs.is_ancestor(ctx.git, repo.id, sha, old):
            kept.append(name)
    return updates, kept
