"""The driver of a plain command: a codemod, a linter's ``--fix``, the demo. Needs no key.

It runs ``agent_options.command`` in a shell in the work tree; each line it prints is an entry, with
its ANSI colours kept. Exit 0 is success. It cannot be spoken to and has no session.
"""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from lazyaf.agents.base import AgentRun, Launch, Outcome, SessionFile, Stream
from lazyaf.agents.death import how_it_died
from lazyaf.agents.entries import EntryMaker, utc_now
from lazyaf.agents.environment import (
    VALUE_MAX,
    agent_env,
    certificate_paths,
    chosen_env,
    secrets_in,
)
from lazyaf.domain.errors import Invalid
from lazyaf.domain.jobs import StopReason
from lazyaf.domain.sandboxes import AgentNeeds
from lazyaf.protocol.entries import Entry, EntryKind
from lazyaf.protocol.messages import AgentOffer

LAST_LINES: Final = 10
"""Lines of output that a failure quotes."""
_LINE_MAX: Final = 400


class ScriptConversation:
    """Output lines as entries, exit code as verdict."""

    turns_ended = 0
    is_over = False
    session: str | None = None
    waiting = 0

    def __init__(self, now: Callable[[], str] = utc_now) -> None:
        self._entries = EntryMaker(now)
        self._last: deque[str] = deque(maxlen=LAST_LINES)

    def feed(self, line: str, stream: Stream) -> list[Entry]:
        """The line as it is."""
        text = line.rstrip("\r\n")
        if text.strip():
            self._last.append(text[:_LINE_MAX])
        return [self._entries.make(EntryKind(stream), text)]

    def message(self, text: str) -> bytes | None:
        """A command cannot be spoken to."""
        return None

    def interrupt(self) -> bytes | None:
        """A command has no turns."""
        return None

    def outcome(self, exit_code: int | None) -> Outcome:
        """Finished on 0, otherwise agent_failed with the last lines."""
        if exit_code == 0:
            return Outcome(StopReason.FINISHED)
        said = "\n".join(self._last)
        reason = f"The command {how_it_died(exit_code)}."
        return Outcome(StopReason.AGENT_FAILED, f"{reason}\n{said}" if said else reason)


class ScriptAgent:
    """Runs a shell command of the card's."""

    name = "script"
    title = "Script"

    def __init__(self, now: Callable[[], str] = utc_now) -> None:
        self._now = now

    def needs(self, host_env: Mapping[str, str]) -> AgentNeeds:
        """Only what a person chose to pass on."""
        return AgentNeeds(env=chosen_env(host_env))

    def offer(self, host_env: Mapping[str, str]) -> AgentOffer:
        """Always there: every system has a shell."""
        return AgentOffer(name=self.name)

    def launch(self, run: AgentRun) -> Launch:
        """``bash -c`` (``sh`` where there is no bash). Raises `Invalid` without a command."""
        env = agent_env(run.host_env, card_env=run.card_env, home=run.home)
        shell = "bash" if shutil.which("bash", path=env["PATH"]) else "sh"
        return Launch(
            argv=(shell, "-c", command_of(run.options)),
            env=env,
            read_only=certificate_paths(env),
            secrets=secrets_in(env, run.host_env),
        )

    def trial(self, run: AgentRun) -> None:
        """It asks no model."""

    def converse(self, run: AgentRun) -> ScriptConversation:
        """A fresh parser."""
        return ScriptConversation(self._now)

    def session_file(self, session: str, worktree: Path) -> SessionFile | None:
        """A command has no session."""
        return None


def command_of(options: Mapping[str, object]) -> str:
    """The command in an agent's options, or `Invalid` that says what to write there."""
    command = options.get("command")
    if not isinstance(command, str) or not command.strip():
        raise Invalid.field(
            "agent_options.command",
            "The script agent needs a command: set agent_options to "
            '{"command": "…"}, a line for the shell.',
        )
    if "\0" in command or len(command.encode("utf-8", "replace")) > VALUE_MAX:
        raise Invalid.field(
            "agent_options.command",
            "The command is too long for a command line; put it into a file of the repository "
            "and run that.",
        )
    return command
