"""Takes an agent's session along: saved with the checkpoints, brought back where the agent goes on.

What is in HOME is an agent's, so it is read and written `beneath` it only, and without secrets. Of two
versions of a session the one with the later work wins. Nothing that goes wrong here ends a job: the
agent then begins a new conversation, and the log says why, once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import structlog

from lazyaf.agents import registry
from lazyaf.agents.base import SessionFile
from lazyaf.domain.errors import GitFailed, TooLarge
from lazyaf.protocol.messages import Job, SessionRequest, SessionResponse
from lazyaf.runner import beneath
from lazyaf.runner.client import Refused, ServerClient
from lazyaf.runner.push import Publisher, PushRejected
from lazyaf.runner.redaction import Redactor
from lazyaf.runner.sessionstore import Piece, SessionStore, cut
from lazyaf.runner.story import Story
from lazyaf.runner.workspace import Workspace

log = structlog.get_logger(__name__)

NOT_KNOWN: Final = frozenset({404, 405})
"""Answers of a server that keeps no sessions."""


@dataclass(frozen=True, slots=True)
class _Save:
    """A save that waits to be published; ``digests`` tell one from another."""

    session: str
    digests: tuple[bytes, ...]
    sha: str


class SessionKeeper:
    """The session of one attempt."""

    def __init__(
        self,
        client: ServerClient,
        job: Job,
        workspace: Workspace,
        story: Story,
        store: SessionStore,
    ) -> None:
        self._client = client
        self._job = job
        self._workspace = workspace
        self._story = story
        self._store = store
        self._publisher = Publisher(client, job, store, workspace.session_spool)
        self._redactor: Redactor | None = None
        self._taken: _Save | None = None
        self._published: _Save | None = None
        self._is_kept: bool | None = None
        self._said: set[str] = set()

    def use(self, redactor: Redactor) -> None:
        """Take these secrets out from now on. Before it knows those of the agent, nothing is taken."""
        self._redactor = redactor
        self._store.known.clear()

    async def resume(self, wanted: str | None) -> str | None:
        """The session to go on with: the wanted one, once its latest version is in HOME, or None.

        Raises `LeaseLost` or `ServerAbsent`.
        """
        place = None if wanted is None else self._place(wanted)
        if wanted is None or place is None:
            return None
        is_here = await asyncio.to_thread(self._is_here, place)
        there = await self._kept()
        sha = there.sha if there.session == wanted else None
        if sha is not None and not (is_here and sha == self._workspace.kept_of(wanted)):
            if await self._bring(place, sha, is_here=is_here):
                self._workspace.remember_session(wanted, sha)
                return wanted
        elif not is_here:
            self._say("The agent's earlier conversation is neither here nor on the server.")
        return wanted if is_here else None

    async def take(self, session: str | None) -> None:
        """Save what the agent has written so far, to be published later."""
        place = None if session is None else self._place(session)
        redactor = self._redactor
        if session is None or place is None or redactor is None or not await self._is_wanted():
            return
        try:
            pieces = await asyncio.to_thread(self._read, place, redactor)
            digests = tuple(piece.digest for piece in pieces)
            last = self._taken or self._published
            if not pieces or (
                last is not None and (last.session, last.digests) == (session, digests)
            ):
                return
            sha = await self._store.save(session, pieces)
        except FileNotFoundError:
            return  # it has written nothing yet
        except (OSError, TooLarge, GitFailed) as error:
            self._failed("saved", error)
            return
        self._taken = _Save(session, digests, sha)

    async def publish(self) -> None:
        """Push what was taken last, and tell the server. Raises `LeaseLost` or `ServerAbsent`."""
        taken = self._taken
        if taken is None:
            return
        try:
            await self._publisher.push({f"{self._job.push_prefix}session": taken.sha})
            request = SessionRequest(session=taken.session, sha=taken.sha)
            await self._client.keep_session(self._job, request)
        except (PushRejected, Refused) as error:
            self._is_kept = False  # it would refuse the next one as well, at the cost of sending it
            self._failed("saved", error)
        except (OSError, GitFailed) as error:
            self._failed("saved", error)
        else:
            self._taken, self._published = None, taken
            self._workspace.remember_session(taken.session, taken.sha)

    async def settle(self, session: str | None) -> None:
        """Take the secrets out of HOME's own version as well, now that the agent is done: a later round
        may have others and would not know these."""
        place = None if session is None else self._place(session)
        if place is None or self._redactor is None:
            return
        with contextlib.suppress(OSError, TooLarge):  # saving it has told what is wrong
            await asyncio.to_thread(self._settle, place, self._redactor)

    def _place(self, session: str) -> SessionFile | None:
        return registry.get(self._job.agent).session_file(session, self._workspace.tree)

    async def _is_wanted(self) -> bool:
        """Whether the server keeps sessions, as far as it is known."""
        if self._is_kept is None:
            await self._kept()
        return bool(self._is_kept)

    async def _kept(self) -> SessionResponse:
        """What the server has; nothing, when it is one that keeps no sessions."""
        try:
            there = await self._client.kept_session(self._job)
        except Refused as refusal:
            self._is_kept = False
            if refusal.status not in NOT_KNOWN:
                self._failed("asked for", refusal)
            return SessionResponse()
        self._is_kept = True
        return there

    async def _bring(self, place: SessionFile, sha: str, *, is_here: bool) -> bool:
        """Put the server's version into HOME, unless that has a later one. False when it failed."""
        access = self._job.repo
        try:
            theirs = await self._store.fetch(sha, access.username, access.password)
            if is_here and await asyncio.to_thread(self._is_later, place, theirs):
                return True
            await asyncio.to_thread(self._put, place, theirs)
        except (OSError, TooLarge, GitFailed) as error:
            self._failed("brought back", error)
            return False
        self._story.system("The agent's earlier conversation was brought here from the server.")
        return True

    def _is_here(self, place: SessionFile) -> bool:
        try:
            _open(self._workspace.home, place).close()
        except OSError:
            return False
        return True

    def _is_later(self, place: SessionFile, theirs: Sequence[bytes]) -> bool:
        """Whether the version in HOME goes on where the server's ends: an agent only adds to it.

        The agent's own secrets are not known yet; where it has told one, the server's version wins.
        """
        with _open(self._workspace.home, place) as file:
            ours = [piece.kept or b"" for piece in cut(file, Redactor(()), {})]
        last = len(theirs) - 1
        if not 0 <= last < len(ours):
            return last < 0
        return ours[:last] == list(theirs[:last]) and ours[last].startswith(theirs[last])

    def _put(self, place: SessionFile, pieces: Sequence[bytes]) -> None:
        with beneath.folder(self._workspace.home, place.parent, make=True) as parent:
            name = _holder(parent, place) or place.folder
            with beneath.folder(parent, [name], make=True) as folder:
                beneath.write_file(folder, place.name, pieces)

    def _read(self, place: SessionFile, redactor: Redactor) -> list[Piece]:
        with _open(self._workspace.home, place) as file:
            return cut(file, redactor, self._store.known)

    def _settle(self, place: SessionFile, redactor: Redactor) -> None:
        with _open(self._workspace.home, place) as file:
            pieces = cut(file, redactor, {})
        if any(piece.is_changed for piece in pieces):
            self._put(place, [piece.kept or b"" for piece in pieces])

    def _failed(self, what: str, error: Exception) -> None:
        log.warning("session.failed", job=self._job.job_id, error=str(error))
        self._say(f"The agent's conversation could not be {what}: {error}")

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._story.system(text, is_error=True)


def _open(home: Path, place: SessionFile) -> BinaryIO:
    """The session's file. Raises `FileNotFoundError`, `beneath.Planted`."""
    with beneath.folder(home, place.parent) as parent:
        name = _holder(parent, place)
        if name is None:
            raise FileNotFoundError(place.name)
        with beneath.folder(parent, [name]) as folder:
            return beneath.open_file(folder, place.name)


def _holder(parent: int, place: SessionFile) -> str | None:
    """The directory in which something of the session's name lies, whatever that is."""
    for name in (place.folder, *beneath.names(parent)):
        with contextlib.suppress(OSError), beneath.folder(parent, [name]) as folder:
            os.stat(place.name, dir_fd=folder, follow_symlinks=False)
            return name
    return None
