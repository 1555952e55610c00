"""The contract between the runner and an agent's driver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from lazyaf.domain.jobs import StopReason
from lazyaf.domain.sandboxes import AgentNeeds
from lazyaf.protocol.entries import Entry, Usage
from lazyaf.protocol.messages import AgentOffer

Stream = Literal["stdout", "stderr"]


@dataclass(frozen=True, slots=True)
class AgentRun:
    """One run of an agent.

    ``home`` and ``worktree`` are paths as the agent sees them. ``session`` is a session to resume, or
    None; ``new_session`` is the id to give a fresh one. ``host_env`` is the runner's environment, of
    which a driver takes only what `lazyaf.agents.environment` allows.
    """

    prompt: str
    worktree: Path
    home: Path
    session: str | None
    new_session: str
    options: Mapping[str, object]
    host_env: Mapping[str, str]
    card_env: Mapping[str, str]
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start the agent's process inside the sandbox.

    ``stdin`` is written first; with ``keep_stdin`` it stays open for messages, otherwise it is closed
    at once. ``read_only`` are host paths that the sandbox must show read-only, at the same place.
    ``secrets`` are values that must never appear in an entry.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    stdin: bytes = b""
    keep_stdin: bool = False
    read_only: tuple[Path, ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class SessionFile:
    """The one file below HOME that an agent needs to go on with a session.

    It is called ``name`` and lies in some directory of ``parent``; where there is none yet it belongs
    into the one called ``folder``.
    """

    parent: tuple[str, ...]
    folder: str
    name: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the agent's process came to, before git is looked at. ``resets_at``: its model refuses more
    work until then (seconds since 1970) and takes it again after that. ``session_refused``: it did
    nothing, because it could not go on with the session that it was told to resume."""

    stop_reason: StopReason
    error: str | None = None
    usage: Usage | None = None
    session: str | None = None
    resets_at: float | None = None
    session_refused: bool = False


class Conversation(Protocol):
    """The parser of one run's output and the encoder of what is said to it."""

    @property
    def turns_ended(self) -> int:
        """Turns that the agent has finished so far: the runner checkpoints when it grows."""
        ...

    @property
    def is_over(self) -> bool:
        """The agent said its result: close stdin and reap it soon, even if it lingers."""
        ...

    @property
    def session(self) -> str | None:
        """The agent's session id as soon as it is known."""
        ...

    @property
    def waiting(self) -> int:
        """How many messages the agent was sent and has not taken up yet, the newest ones. 0 when it
        does not tell."""
        ...

    def feed(self, line: str, stream: Stream) -> list[Entry]:
        """Entries for one line of output. Never raises: an unknown line becomes a raw entry."""
        ...

    def message(self, text: str) -> bytes | None:
        """Bytes for stdin that say this to the agent, or None when it cannot be spoken to."""
        ...

    def interrupt(self) -> bytes | None:
        """Bytes for stdin that interrupt the turn, or None when it cannot be interrupted."""
        ...

    def outcome(self, exit_code: int | None) -> Outcome:
        """The verdict. ``exit_code`` is negative for a signal, None when it was never started."""
        ...


class Agent(Protocol):
    """A driver. Stateless; one instance serves every run."""

    name: str
    title: str

    def needs(self, host_env: Mapping[str, str]) -> AgentNeeds:
        """What it needs where the server is not: its key among variables, and its model's hosts."""
        ...

    def offer(self, host_env: Mapping[str, str]) -> AgentOffer:
        """Whether it can run here, and if not, why and what to do. May look at files and run
        ``--version``; must not reach the network. Blocking: call it in a thread."""
        ...

    def launch(self, run: AgentRun) -> Launch:
        """How to start it for this run."""
        ...

    def trial(self, run: AgentRun) -> Launch | None:
        """How to start it for one word, without tools and with little patience; None when it asks no
        model."""
        ...

    def converse(self, run: AgentRun) -> Conversation:
        """A fresh parser for this run."""
        ...

    def session_file(self, session: str, worktree: Path) -> SessionFile | None:
        """Where the session is kept when the agent works in this directory; None when it keeps none,
        or when this is no session's id. The id may come from the agent itself: trust nothing in it."""
        ...
