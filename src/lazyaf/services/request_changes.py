"""Send a card back to its agent with a message and with comments on its changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lazyaf.domain.cards import CardCommand
from lazyaf.domain.comments import Side
from lazyaf.domain.errors import Invalid
from lazyaf.domain.events import Actor
from lazyaf.git import refs
from lazyaf.git.blobs import count_lines
from lazyaf.git.interdiff import merge_base
from lazyaf.services.card_ends import Ends, card_and_repo, card_ends
from lazyaf.services.comment_card import NewComment
from lazyaf.services.comment_places import places_now
from lazyaf.services.context import Context
from lazyaf.services.start_card import RunRequest, start_card
from lazyaf.store.board import FullCard


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment as a person sends it; without commits it is about the card's changes as they are now."""

    path: str
    side: str
    start_line: int | None
    line: int | None
    body: str
    base_sha: str | None = None
    head_sha: str | None = None


async def request_changes(
    ctx: Context, card_id: str, message: str, remarks: Sequence[Remark], actor: Actor
) -> FullCard:
    """Queue another round on the card's branch, with the same session where the agent has one; returns the
    card. Raises `Invalid` when nothing is said, or about commits or lines that are not there."""
    if not message.strip() and not remarks:
        raise Invalid.field("message", "Say what should change, or comment on a line.")
    comments = await _comments(ctx, card_id, remarks) if remarks else ()
    request = RunRequest(message=message, comments=comments)
    return await start_card(ctx, card_id, CardCommand.REQUEST_CHANGES, request, actor)


async def _comments(
    ctx: Context, card_id: str, remarks: Sequence[Remark]
) -> tuple[NewComment, ...]:
    card, repo = await ctx.db.read(card_and_repo, card_id)
    ends = await card_ends(ctx, card, repo)
    if ends.head_sha is None:
        raise Invalid.field("comments", "The card has no changes yet that could be commented on.")
    named = {sha for r in remarks for sha in (r.base_sha, r.head_sha) if sha is not None}
    for sha in sorted(named):
        if await refs.resolve(ctx.git, repo.id, sha) is None:
            raise Invalid.field("comments", f"There is no commit {sha} in {repo.name}.")
    base = await merge_base(ctx.git, repo.id, ends.base_sha, ends.head_sha) or ends.base_sha
    made = [_made(remark, base, ends.head_sha) for remark in remarks]
    await _require_there(ctx, repo.id, made)
    return await _at_their_places(ctx, repo.id, ends, made)


def _made(remark: Remark, base_sha: str, head_sha: str) -> NewComment:
    return NewComment(
        path=remark.path,
        side=remark.side,
        start_line=remark.start_line,
        line=remark.line,
        body=remark.body,
        base_sha=remark.base_sha or base_sha,
        head_sha=remark.head_sha or head_sha,
    )


async def _require_there(ctx: Context, repo_id: str, made: Sequence[NewComment]) -> None:
    """Refuse comments on lines that no file has: an agent would look for them. One on a file as a whole may
    be about one that is at either end only."""
    paths = {comment.path for comment in made}
    commits = {sha for comment in made for sha in (comment.base_sha, comment.head_sha)}
    lines = {sha: await count_lines(ctx.git, repo_id, sha, paths) for sha in commits}
    for comment in made:
        path, old, new = comment.path, lines[comment.base_sha], lines[comment.head_sha]
        at = old if comment.side == Side.OLD else new
        if path not in at and (comment.line is not None or path not in {**old, **new}):
            raise Invalid.field("comments", f"There is no {path} in the commit that you speak of.")
        last = at.get(path)
        if last is not None and comment.line is not None and comment.line > last:
            raise Invalid.field(
                "comments", f"{path} has no line {comment.line}: it ends with {last}."
            )


async def _at_their_places(
    ctx: Context, repo_id: str, ends: Ends, made: Sequence[NewComment]
) -> tuple[NewComment, ...]:
    """The branch may have moved since they were written: the agent is told where the lines are now."""
    places = await places_now(ctx, repo_id, ends, made)
    return tuple(replace(comment, at=place) for comment, place in zip(made, places, strict=True))
