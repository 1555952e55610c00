"""What lies about on a server although nobody will come back for it: found, and removed (`lazyaf gc`).

Upkeep and housekeeping remove most of it by themselves in time; this looks now, and tells. A dry run
lists exactly what the other would remove. Nothing that holds work is among it: what looks like a leftover
and may be one is listed as staying.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from lazyaf.domain.errors import Conflict, LazyafError, NotFound
from lazyaf.domain.leftovers import Leftover, LeftoverKind
from lazyaf.git import maintenance, refs
from lazyaf.services import stale_refs
from lazyaf.services.attachment_files import FOLDER
from lazyaf.services.attachments import remove_unnamed
from lazyaf.services.context import Context
from lazyaf.services.feed import trim_feed
from lazyaf.services.retain import KEEP_EVENTS, ago, trim_all_logs
from lazyaf.services.stuck_intents import resume_stuck, stuck_intents
from lazyaf.store.events import count_events_before
from lazyaf.store.logs import count_logs_ended_before
from lazyaf.store.repos import repo_names
from lazyaf.store.tokens import count_expired, remove_expired
from lazyaf.store.tx import Tx

KEEP_COPIES_S: Final = 30 * 86_400.0
"""How long a copy from before a migration stays beside a newer one."""
BEING_MADE_S: Final = 3600.0
"""Younger repositories and files may just be being made."""

Sweep = Callable[[bool], Awaitable[list[Leftover]]]
"""Tidies up what the local runners share; told whether it is a dry run."""


@dataclass(frozen=True, slots=True)
class Old:
    """What is older than it is kept."""

    events: int
    logs: int
    sign_ins: int


class Collector:
    """Looks, one look at a time. ``copies`` tells where migrations kept copies of the database, the
    oldest first; ``keep_logs`` are days, 0 is for ever; ``wall`` tells Unix seconds."""

    def __init__(
        self,
        ctx: Context,
        *,
        copies: Callable[[], Sequence[Path]],
        sweep: Sweep,
        keep_logs: float = 0,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._ctx = ctx
        self._copies = copies
        self._sweep = sweep
        self._keep_logs = keep_logs
        self._wall = wall
        self._looking = asyncio.Lock()

    async def collect(self, *, dry_run: bool) -> list[Leftover]:
        """Everything that was found; without ``dry_run`` it is gone now, but for what stays.

        Raises `Conflict` ``backup_running``.
        """
        async with self._looking:
            with self._ctx.git.removing() as may_remove:
                if not may_remove and not dry_run:
                    raise Conflict(
                        "A backup is being made, and nothing is removed meanwhile. Try again when it is "
                        "done.",
                        code="backup_running",
                    )
                found = [leftover async for leftover in self._repositories(dry_run)]
                found += await self._attachments(dry_run)
                found += await asyncio.to_thread(lambda: list(self._old_copies(dry_run)))
                found += await self._rows(dry_run)
                return [*found, *await self._sweep(dry_run)]

    async def _repositories(self, dry_run: bool) -> AsyncIterator[Leftover]:
        git = self._ctx.git
        names = await self._ctx.db.read(repo_names)
        for repo_id in await asyncio.to_thread(git.ids):
            try:
                if repo_id not in names:
                    stray = await self._stray(repo_id, dry_run)
                    if stray is not None:
                        yield stray
                    continue
                for leftover in await self._refs(repo_id, names[repo_id], dry_run):
                    yield leftover
                for leftover in await self._locks(repo_id, names[repo_id], dry_run):
                    yield leftover
            except NotFound:  # deleted meanwhile
                continue
            except LazyafError as error:  # damaged, perhaps: the others have their turn
                why = f"It cannot be looked at: {error.detail}"
                place = names.get(repo_id, repo_id)
                yield Leftover(LeftoverKind.REPOSITORY, place, why, stays=True)

    async def _refs(self, repo_id: str, name: str, dry_run: bool) -> list[Leftover]:
        found = []
        for stale in await stale_refs.stale_refs(self._ctx, repo_id):
            count = len(stale.refs)
            if not dry_run:
                count = await stale_refs.remove(self._ctx, repo_id, stale)
            found.append(Leftover(stale.kind, name, stale.why, count=count))
        return found

    async def _locks(self, repo_id: str, name: str, dry_run: bool) -> list[Leftover]:
        """Alone in the repository, so what looks left over by a dead process is."""
        if dry_run:
            count = len(await maintenance.leftovers(self._ctx.git, repo_id))
        else:
            count = await maintenance.sweep(self._ctx.git, repo_id)
        why = "Left by git processes that are dead."
        return [Leftover(LeftoverKind.GIT_LOCKS, name, why, count=count)] if count else []

    async def _stray(self, repo_id: str, dry_run: bool) -> Leftover | None:
        """A repository on no board: a crash came while it was made, or a database was restored."""
        git = self._ctx.git
        path = git.path(repo_id)
        made_at = await asyncio.to_thread(lambda: path.stat().st_mtime)
        if self._wall() - made_at < BEING_MADE_S:
            return None
        count = len(await refs.list_refs(git, repo_id, "refs/"))
        if count:
            why = f"It is on no board, but holds {count} branches and other refs."
            return Leftover(LeftoverKind.REPOSITORY, str(path), why, stays=True)
        if not dry_run:
            await git.delete(repo_id)
        return Leftover(LeftoverKind.REPOSITORY, str(path), "It is on no board, and empty.")

    async def _attachments(self, dry_run: bool) -> list[Leftover]:
        """Files that a crash left when their card went, or before it had them."""
        files, before = self._ctx.attachments, self._wall() - BEING_MADE_S
        there = await asyncio.to_thread(files.older_than, before)
        unnamed = await remove_unnamed(self._ctx, there, dry_run=dry_run)
        broken_off = await asyncio.to_thread(files.unfinished, before, remove=not dry_run)
        found = (
            ("No card has them.", [there[name] for name in unnamed]),
            ("They broke off while they came in.", broken_off),
        )
        return [
            Leftover(LeftoverKind.ATTACHMENT, FOLDER, why, count=len(sizes), bytes=sum(sizes))
            for why, sizes in found
            if sizes
        ]

    def _old_copies(self, dry_run: bool) -> Iterator[Leftover]:
        """All but the newest, which leads back to the version before."""
        for copy in list(self._copies())[:-1]:
            facts = copy.stat()
            if self._wall() - facts.st_mtime > KEEP_COPIES_S:
                why = "From before an upgrade more than a month ago, and there is a newer one."
                yield Leftover(LeftoverKind.DATABASE_COPY, str(copy), why, bytes=facts.st_size)
                if not dry_run:
                    copy.unlink()

    async def _rows(self, dry_run: bool) -> list[Leftover]:
        now = self._ctx.clock.now()
        old = await self._ctx.db.read(self._old, now)
        stuck = await self._ctx.db.read(stuck_intents, now)
        if not dry_run:
            await self._ctx.db.write(trim_feed, ago(now, KEEP_EVENTS))
            await trim_all_logs(self._ctx, self._keep_logs)
            await self._ctx.db.write(remove_expired, now)
            await resume_stuck(self._ctx)
        told = (
            (LeftoverKind.EVENTS, f"Older than {KEEP_EVENTS.days} days.", old.events),
            (LeftoverKind.LOGS, f"Of jobs that ended {self._keep_logs:g} days ago.", old.logs),
            (LeftoverKind.SIGN_INS, "Of browsers, whose time has passed.", old.sign_ins),
            (LeftoverKind.INTENT, "Begun with a card and never ended.", len(stuck)),
        )
        return [Leftover(kind, "database", why, count=n) for kind, why, n in told if n]

    def _old(self, tx: Tx, now: str) -> Old:
        days = timedelta(days=self._keep_logs)
        return Old(
            events=count_events_before(tx, ago(now, KEEP_EVENTS)),
            logs=count_logs_ended_before(tx, ago(now, days)) if days else 0,
            sign_ins=count_expired(tx, now),
        )
