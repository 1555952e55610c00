"""Tidies up the directory that the runners of a machine share: what is of no use to anybody goes, what
holds work that the server has not stays, and is named.

A runner does so when it starts and once a day (`lazyaf.runner.tidying`), a server for its own local
runners when it is asked (`lazyaf gc`). Safe beside runners at work: each thing is looked at under the lock
that its users hold, and leaves its place under that lock, by one rename. The server is asked what it
knows; without its word only time counts.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import structlog

from lazyaf.domain.leftovers import Leftover, LeftoverKind
from lazyaf.protocol.messages import LeftoversRequest, LeftoversResponse
from lazyaf.runner.filelock import try_lock
from lazyaf.runner.marker import Marker
from lazyaf.runner.proof import why_not_on_server
from lazyaf.runner.sandbox import Sandbox
from lazyaf.runner.workdir import OF_CHECKS, WorkDir, remove_tree, size_of

log = structlog.get_logger(__name__)

KEEP_S: Final = 30 * 24 * 3600.0
"""A month: longer than a review waits, and the agent's conversation is worth as long."""
DYING_S: Final = 3600.0
"""Longer than any removal takes."""

CUT_OFF: Final = "Of a run of checks that was cut off; it begins anew elsewhere."

Ask = Callable[[LeftoversRequest], Awaitable[LeftoversResponse]]


@dataclass(slots=True)
class Retention:
    """One look at everything. ``now`` is Unix seconds; with ``dry_run`` nothing is removed, but the list
    is the same."""

    work: WorkDir
    sandbox: Sandbox
    ask: Ask
    now: float
    dry_run: bool = False
    _known: LeftoversResponse = field(default_factory=LeftoversResponse)
    _gone: dict[Path, Path] = field(default_factory=dict)
    """What goes or has gone, and where it is now."""

    async def sweep(self) -> list[Leftover]:
        """What there was, whether it went or stays."""
        cards, repos = sorted(self.work.cards()), sorted(self.work.repositories())
        self._known = await self.ask(LeftoversRequest(cards=cards, repos=repos))
        found = []
        for card in cards:
            found += await asyncio.to_thread(self._settle, await self._card(card))
        for repo in repos:
            found += await asyncio.to_thread(self._settle, self._spares(repo))
            found += await asyncio.to_thread(self._settle, self._caches(repo))
        return [*found, *await asyncio.to_thread(self._settle, self._trash())]

    def _settle(self, leftovers: Iterator[Leftover] | list[Leftover]) -> list[Leftover]:
        """Measure them, and remove what has left its place; nobody waits for either."""
        settled = []
        for leftover in list(leftovers):
            place = Path(leftover.place)
            grave = self._gone.get(place, place)
            settled.append(replace(leftover, bytes=leftover.bytes or size_of(grave)))
            if grave != place:
                remove_tree(grave.parent)
        return settled

    async def _card(self, card: str) -> list[Leftover]:
        """What a card has left: trees, HOME, and the lock once there is nothing else."""
        found: list[Leftover] = []
        if card in self._known.at_work:
            return found
        lock = self.work.trees / f"{card}.lock"
        was_there = lock.exists()
        with try_lock(lock) as taken:
            if taken:
                found = [await self._tree(tree) for tree in self._trees(card)]
                found += self._home(card)
                is_empty = not self._trees(card) and not self._homes(card)
                if not was_there or (is_empty and not self.dry_run):
                    lock.unlink(missing_ok=True)
        return found

    def _trees(self, card: str) -> list[Path]:
        """The card's tree, and those that were kept."""
        own = self.work.trees / card
        kept = sorted(self.work.trees.glob(f"{card}.kept-*"))
        return [own, *kept] if own.exists() else kept

    async def _tree(self, root: Path) -> Leftover:
        if root.name.startswith(OF_CHECKS):
            return self._goes(LeftoverKind.WORK_TREE, root, CUT_OFF)
        why_not = await why_not_on_server(root, self.sandbox, self._reached)
        if why_not is not None:
            return Leftover(LeftoverKind.WORK_TREE, str(root), why_not, stays=True)
        return self._goes(LeftoverKind.WORK_TREE, root, "The server has all of its work.")

    async def _reached(self, repo: str, commits: Collection[str]) -> set[str]:
        answer = await self.ask(LeftoversRequest(commits={repo: sorted(commits)}))
        return set(answer.reached)

    def _homes(self, card: str) -> list[Path]:
        paths = (self.work.homes / card, self.work.homes / f"{card}.session")
        return [path for path in paths if path.exists()]

    def _home(self, card: str) -> list[Leftover]:
        """HOME, and the note of its session."""
        paths = self._homes(card)
        if card.startswith(OF_CHECKS):
            why = CUT_OFF
        elif card in self._known.deleted:
            why = "Its card was deleted."
        elif paths and self.now - max(map(_used_at, paths)) > KEEP_S:
            why = "No agent has used it for a month."
        else:
            return []
        return [self._goes(LeftoverKind.HOME, path, why) for path in paths]

    def _spares(self, repo: str) -> Iterator[Leftover]:
        """Trees that wait for a card. No agent has ever seen them."""
        folder = self.work.spares / repo
        if not folder.is_dir():
            return
        with try_lock(folder / "lock") as taken:
            if taken:
                used = _used_at(folder)  # the time of the last tree that came or went
                for spare in _but_lock(folder):
                    if (why := self._why_no_spare(spare, used)) is not None:
                        yield self._goes(LeftoverKind.SPARE, spare, why)
                self._remove_if_empty(folder)

    def _why_no_spare(self, spare: Path, used: float) -> str | None:
        repo = spare.parent.name
        if spare.name == "making":
            return "It is half made, and nobody is at it."
        if repo in self._known.deleted:
            return "Its repository was deleted."
        if not (self.work.cache / repo / f"{spare.name}.git").is_dir():
            return "The cache that it borrows from is gone."
        return "Nobody took it for a month." if self.now - used > KEEP_S else None

    def _caches(self, repo: str) -> Iterator[Leftover]:
        """Caches hold only what the server has; those that something borrows from are needed."""
        folder = self.work.cache / repo
        if not folder.is_dir():
            return
        with try_lock(folder / "lock") as taken:
            if taken:
                needed = {*self._borrowed(), *self._borrowed_by_spares(repo)}
                every = sorted(folder.glob("*.git"), key=lambda path: int(path.stem))
                for cache in every:
                    why = self._why_no_cache(cache, is_newest=cache == every[-1])
                    if why is not None and cache not in needed:
                        yield self._goes(LeftoverKind.CACHE, cache, why)
                self._remove_if_empty(folder)

    def _borrowed(self) -> Iterator[Path]:
        """What the trees that stay borrow from."""
        for note in self.work.trees.glob("*/job.json"):
            marker = Marker.load(note)
            if marker is not None and note.parent not in self._gone:
                yield Path(marker.cache)

    def _borrowed_by_spares(self, repo: str) -> Iterator[Path]:
        for spare in (self.work.spares / repo).glob("*"):
            if spare not in self._gone:
                yield self.work.cache / repo / f"{spare.name}.git"

    def _why_no_cache(self, cache: Path, *, is_newest: bool) -> str | None:
        if not is_newest:
            return "A newer one has replaced it."
        if cache.parent.name in self._known.deleted:
            return "Its repository was deleted."
        is_old = self.now - _used_at(cache.parent / "lock") > KEEP_S
        return "No job has used it for a month." if is_old else None

    def _trash(self) -> Iterator[Leftover]:
        """What somebody was removing who died over it."""
        for grave in sorted(self.work.trash.glob("*")):
            if self.now - _used_at(grave) > DYING_S:
                yield self._goes(LeftoverKind.FILE, grave, "Who removed it died over that.")

    def _goes(self, kind: LeftoverKind, path: Path, why: str) -> Leftover:
        """Let it leave its place."""
        self._gone[path] = path
        if not self.dry_run:
            log.info("retention.removed", path=str(path), why=why)
            self._gone[path] = self.work.bury(path) / path.name
        return Leftover(kind, str(path), why)

    def _remove_if_empty(self, folder: Path) -> None:
        """A directory of which only the lock is left, which we hold."""
        if not self.dry_run and not _but_lock(folder):
            self.work.discard(folder)


def _but_lock(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name != "lock")


def _used_at(path: Path) -> float:
    """When it was last used: a runner then gives it the present time, or writes to it. What is inside is
    the agent's and proves nothing."""
    with contextlib.suppress(OSError):
        return path.lstat().st_mtime
    return 0.0
