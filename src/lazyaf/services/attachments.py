"""Files attached to a card: taken in, shown, handed to its agent, removed.

The bytes are kept before the row names them and go after no row does, so a crash leaves a file too many and
never one too few; `lazyaf gc` finds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from lazyaf.domain.attachments import AttachmentLimits, clean_name, free_name, sniff
from lazyaf.domain.errors import DiskFull, Forbidden, Invalid, NotFound, TooLarge, Unavailable
from lazyaf.domain.events import Actor, EventType, NewEvent
from lazyaf.domain.jobs import JobKind
from lazyaf.git.quota import MB
from lazyaf.services.attachment_files import Incoming
from lazyaf.services.context import Context
from lazyaf.services.leases import touch
from lazyaf.store.attachments import (
    AttachmentRow,
    attachments_of,
    get_attachment,
    insert_attachment,
    named_of,
    remove_attachment,
)
from lazyaf.store.cards import get_card
from lazyaf.store.tx import Tx

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """An attached file and where its bytes are."""

    row: AttachmentRow
    path: Path


async def attach(
    ctx: Context,
    card_id: str,
    name: str,
    length: int,
    chunks: AsyncIterator[bytes],
    actor: Actor,
) -> dict[str, Any]:
    """Attach what comes, of which ``length`` bytes are announced, under this name or the next free one like
    it. A card has each content once: attaching it again answers with what is there.

    Raises, before anything is read where that is known before: `NotFound`, `TooLarge`, `Invalid` for an
    empty file, `Forbidden` when none may be attached, `Unavailable` below the disk's reserve.
    """
    name, limits = clean_name(name), ctx.attachments.limits
    await ctx.db.read(_require_room, card_id, name, length, limits)
    await _require_disk(ctx)
    async with ctx.attachments.receiving(chunks, length) as incoming, ctx.attachments.lock:
        await ctx.attachments.keep(incoming)
        try:
            row = await ctx.db.write(
                _name, ctx.new_id(), card_id, name, incoming, limits, actor, ctx.clock.now()
            )
        except BaseException:
            await _remove_unnamed(ctx, [incoming.sha256])
            raise
    return view(row)


def _require_room(tx: Tx, card_id: str, name: str, size: int, limits: AttachmentLimits) -> None:
    card = get_card(tx, card_id)
    if limits.file == 0 or limits.count == 0:
        raise Forbidden("This server takes no attached files: its settings say so.")
    if size == 0:
        raise Invalid.field("name", f"“{name}” is empty.")
    if size > limits.file:
        raise TooLarge(
            f"“{name}” has {_megabytes(size)}, and an attached file may have {_megabytes(limits.file)} at "
            "most. Shorten it, or put it into the repository."
        )
    there = attachments_of(tx, card.id)
    if len(there) >= limits.count:
        raise TooLarge(
            f"Card #{card.number} has {limits.count} attached files, and may have no more. Remove one first.",
            code="too_many_attachments",
        )
    if sum(row.size for row in there) + size > limits.total:
        raise TooLarge(
            f"With “{name}” the files of card #{card.number} would have more than "
            f"{_megabytes(limits.total)}. Remove one first.",
            code="too_many_attachments",
        )


def _megabytes(size: int) -> str:
    return f"{size / MB:.1f} MB" if size % MB else f"{size // MB} MB"


async def _require_disk(ctx: Context) -> None:
    """Refuse what would take the room that running jobs need."""
    if await asyncio.to_thread(ctx.room.warning) is not None:
        raise DiskFull(
            "The server's disk is almost full, so nothing is attached now. Make room there, then try again."
        )


def _name(
    tx: Tx,
    attachment_id: str,
    card_id: str,
    name: str,
    incoming: Incoming,
    limits: AttachmentLimits,
    actor: Actor,
    now: str,
) -> AttachmentRow:
    there = attachments_of(tx, card_id)
    for row in there:
        if row.sha256 == incoming.sha256:
            return row
    _require_room(tx, card_id, name, incoming.size, limits)
    row = AttachmentRow(
        id=attachment_id,
        card_id=card_id,
        name=free_name(name, (row.name for row in there)),
        media_type=sniff(incoming.head),
        size=incoming.size,
        sha256=incoming.sha256,
        created_at=now,
    )
    insert_attachment(tx, row)
    _emit(tx, EventType.CARD_ATTACHED, row, actor)
    return row


def _emit(tx: Tx, kind: EventType, row: AttachmentRow, actor: Actor, **more: object) -> None:
    repo_id = get_card(tx, row.card_id).repo_id
    data = {"id": row.card_id, "repo_id": repo_id, "attachment": view(row), **more}
    tx.emit(NewEvent(kind, row.card_id, actor, 0, data, repo_id))


def view(row: AttachmentRow) -> dict[str, Any]:
    """How a client sees it."""
    return asdict(row)


def show_attachments(tx: Tx, card_id: str, limits: AttachmentLimits) -> dict[str, Any]:
    """A card's files, the oldest first, and what it may have."""
    card = get_card(tx, card_id)
    return {
        "items": [view(row) for row in attachments_of(tx, card.id)],
        "limits": asdict(limits),
    }


async def open_attachment(ctx: Context, attachment_id: str) -> Kept:
    """A file to be sent. Raises `NotFound`, also (``file_missing``) when its bytes are not there."""
    return await _kept(ctx, await ctx.db.read(get_attachment, attachment_id))


async def open_for_job(ctx: Context, job_id: str, lease: str, attachment_id: str) -> Kept:
    """The same for who holds the lease of a job of that card's agent; raises `LeaseLost`, too."""
    held = await touch(ctx, job_id, lease)
    row = await ctx.db.read(get_attachment, attachment_id)
    if row.card_id != held.job.card_id or held.job.kind != JobKind.AGENT.value:
        raise NotFound("This job's card has no such attached file.")
    return await _kept(ctx, row)


async def _kept(ctx: Context, row: AttachmentRow) -> Kept:
    path = ctx.attachments.path(row.sha256)
    if not await asyncio.to_thread(path.is_file):
        raise NotFound(
            f"The file “{row.name}” is not on the server's disk any more. Remove it from the card, and "
            "attach it again.",
            code="file_missing",
        )
    return Kept(row, path)


def detach(tx: Tx, attachment_id: str, actor: Actor) -> None:
    """Remove a file from its card. `follow_removals` sees to its bytes."""
    row = get_attachment(tx, attachment_id)
    remove_attachment(tx, row.id)
    _emit(tx, EventType.CARD_DETACHED, row, actor, files=[row.sha256])


def follow_removals(ctx: Context, events: Sequence[NewEvent]) -> None:
    """After a commit: take away what no card names any more, of which its events tell the hashes."""
    gone: list[str] = []
    for event in events:
        files = event.data.get("files") if event.type in _REMOVALS else None
        if isinstance(files, list):
            gone += files
    if gone:
        ctx.background.run(_tidy_up(ctx, gone))


_REMOVALS: Final = frozenset(
    {EventType.CARD_DETACHED, EventType.CARD_DELETED, EventType.REPO_DELETED}
)


async def _tidy_up(ctx: Context, hashes: Collection[str]) -> None:
    try:
        await remove_unnamed(ctx, hashes)
    except (OSError, Unavailable) as error:  # `lazyaf gc` finds them
        log.warning("attachments.left_behind", count=len(hashes), error=str(error))


async def remove_unnamed(
    ctx: Context, hashes: Collection[str], *, dry_run: bool = False
) -> list[str]:
    """Take away those of these files that no card names; which they are. With ``dry_run``, and while a
    backup is made, which may be about to copy them, they stay."""
    async with ctx.attachments.lock:
        return await _remove_unnamed(ctx, hashes, dry_run=dry_run)


async def _remove_unnamed(
    ctx: Context, hashes: Collection[str], *, dry_run: bool = False
) -> list[str]:
    with ctx.git.removing() as may_remove:
        unnamed = sorted(set(hashes) - await ctx.db.read(named_of, hashes))
        if may_remove and not dry_run:
            await ctx.attachments.remove(unnamed)
        return unnamed
