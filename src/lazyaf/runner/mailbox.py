"""What people say to a running job, until it is dealt with: each command once, whatever dies meanwhile.

The server keeps a command until it hears that all up to it were dealt with, and hands the others to
whoever asks next: this process, the one that follows it, or the runner of a later attempt. So a message is
dealt with when its agent has taken it up or a person was told that none will, and not before. To
be cancelled is never over until the job is.
"""

from __future__ import annotations

import asyncio
import contextlib

from lazyaf.protocol.messages import Command
from lazyaf.runner.state import State
from lazyaf.runner.story import Story


class Mailbox:
    """Commands of one attempt. ``state`` remembers what a former process of this runner has done."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.after = self.heard = state.heard_up_to
        """Up to here commands were received, and dealt with."""
        self.changed = asyncio.Event()
        """The server should be told how far ``heard`` is."""
        self._open: list[int] = []

    def receive(self, command: Command) -> None:
        """Here is one; the oldest comes first."""
        self.after = command.id
        self._open.append(command.id)

    def done(self, command_id: int) -> None:
        """This one was dealt with; which is told when all before it were, too."""
        with contextlib.suppress(ValueError):
            self._open.remove(command_id)
        heard = self._open[0] - 1 if self._open else self.after
        if heard > self.heard:
            self.heard = heard
            self._state.heard(heard)
            self.changed.set()


class Post:
    """Tells a person's words to the agent, or the person why not, and the log both."""

    def __init__(self, mailbox: Mailbox, story: Story, state: State) -> None:
        self._mailbox = mailbox
        self._story = story
        self._state = state
        self.waiting: list[Command] = []
        """Messages for an agent that does not work yet, or again."""

    def show(self, command: Command) -> None:
        """Put a person's message into the log, once."""
        if command.id > self._state.shown_up_to:
            self._story.user(command.text or "")
            self._state.shown(command.id)

    def done(self, command: Command) -> None:
        """The agent has taken it up."""
        self._mailbox.done(command.id)

    def refuse(self, command: Command, why: str) -> None:
        """No agent will: say so."""
        if command.type == "message":
            self.show(command)
        self._story.system(why, is_error=True)
        self.done(command)
