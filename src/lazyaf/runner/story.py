"""What the runner itself has to tell about a job, as entries in its outbox."""

from __future__ import annotations

from lazyaf.agents.entries import EntryMaker
from lazyaf.protocol.entries import EntryKind, Phase
from lazyaf.runner.outbox import Outbox


class Story:
    """Writes entries; knows no agent."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._maker = EntryMaker()

    def redact(self, text: str) -> str:
        """A text for elsewhere than the log, without secrets like the log."""
        return self._outbox.redact(text)

    def phase(self, phase: Phase) -> None:
        """The job is in this phase now."""
        self._outbox.append([self._maker.make(EntryKind.PHASE, name=phase.value)])

    def system(self, text: str, *, is_error: bool = False) -> None:
        """LazyAF has something to say."""
        self._outbox.append([self._maker.make(EntryKind.SYSTEM, text, is_error=is_error)])

    def waiting(self, text: str, until: str) -> None:
        """The job waits for its model until this time (ISO 8601)."""
        detail = {"until": until}
        self._outbox.append(
            [self._maker.make(EntryKind.SYSTEM, text, name="waiting", detail=detail)]
        )

    def goes_on(self, text: str) -> None:
        """The wait is over."""
        self._outbox.append([self._maker.make(EntryKind.SYSTEM, text, name="goes_on")])

    def user(self, text: str) -> None:
        """What a person, or the prompt, said to the agent."""
        self._outbox.append([self._maker.make(EntryKind.USER, text)])

    def output(self, text: str, stream: str) -> None:
        """A line that a command of the repository printed."""
        self._outbox.append([self._maker.make(EntryKind(stream), text)])

    def git(self, text: str, sha: str, subject: str) -> None:
        """A commit or a push."""
        detail = {"sha": sha, "subject": subject}
        self._outbox.append([self._maker.make(EntryKind.GIT, text, detail=detail)])
