"""Follows one run of Claude Code: entries from its lines, bytes for what is said to it, the verdict.

Messages are told apart by the ``uuid`` that each gets: the program announces with
``command_lifecycle`` when it has dealt with one, and lists in ``result.user_message_uuids`` which ones
a result answers. A message sent while a tool runs is folded into the next model call; one sent
later begins a turn of its own with a result of its own. Programs that do not announce this (no
``msg_lifecycle_v1``) answer everything with their next result.

An interrupted turn ends with a result too, but not the conversation: it waits for the next message,
and the runner's idle limit ends it if none comes.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from typing import Final

from lazyaf.agents.base import AgentRun, Outcome, Stream
from lazyaf.agents.claude import verdict
from lazyaf.agents.claude.events import EventReader
from lazyaf.agents.entries import EntryMaker, clean
from lazyaf.agents.loose import (
    Object,
    child,
    integer,
    number,
    objects,
    parse_object,
    string,
    strings,
)
from lazyaf.domain.jobs import StopReason
from lazyaf.protocol.entries import Entry, EntryKind

LAST_LINES: Final = 10
"""Lines of stderr that a death without a result quotes."""
HOPELESS: Final = frozenset({401, 402, 403})
"""Answers of the API that asking again does not change."""
HOPELESS_ATTEMPT: Final = 2
_LINE_MAX: Final = 400
_DEALT_WITH: Final = frozenset({"completed", "cancelled", "discarded"})
_QUEUED: Final = "queued"
_TRACKS_MESSAGES: Final = "msg_lifecycle_v1"


def user_message(text: str, message_id: str | None = None) -> bytes:
    """A line of stdin that says this. ``client_composed`` delivers it as written: without it a text
    that begins with ``/`` is run as a command of the program."""
    message: dict[str, object] = {
        "type": "user",
        "message": {"role": "user", "content": [{"type": "text", "text": clean(text)}]},
        "client_composed": True,
    }
    if message_id is not None:
        message["uuid"] = message_id
    return json.dumps(message).encode() + b"\n"


class ClaudeConversation:
    """The state of one run."""

    def __init__(self, run: AgentRun, *, now: Callable[[], str], new_id: Callable[[], str]) -> None:
        self._entries = EntryMaker(now)
        self._new_id = new_id
        self._events = EventReader(self._entries, run.worktree)
        self._session = run.session
        self._result: Object | None = None
        self._turns_ended = 0
        self._running = True
        self._pending: set[str] = set()
        self._waiting: set[str] = set()
        self._tracks_messages = True
        self._refusal: int | None = None
        self._resets_at: float | None = None
        self._last_words: deque[str] = deque(maxlen=LAST_LINES)

    @property
    def turns_ended(self) -> int:
        """Model turns that ran tools, and results, so far."""
        return self._turns_ended

    @property
    def is_over(self) -> bool:
        """A result was seen, no turn runs, no message waits and nobody interrupted it; or the API
        refuses the key, which the program would ask again for half a minute."""
        return self._refusal is not None or (
            self._result is not None
            and not self._running
            and not self._pending
            and not verdict.was_interrupted(self._result)
        )

    @property
    def session(self) -> str | None:
        """The session's id; it stays the same when resumed."""
        return self._session

    @property
    def waiting(self) -> int:
        """Messages that it was sent and has not begun with."""
        return len(self._waiting)

    def feed(self, line: str, stream: Stream) -> list[Entry]:
        """Entries for one line. Never raises."""
        text = line.rstrip("\r\n")
        if not text.strip():
            return []
        if stream == "stderr":
            self._last_words.append(text[:_LINE_MAX])
            return [self._entries.make(EntryKind.STDERR, text)]
        event = parse_object(text)
        if event is None:
            return [self._entries.make(EntryKind.RAW, text)]
        self._follow(event)
        return self._events.read(event, text)

    def message(self, text: str) -> bytes:
        """A message to the agent, during its work or after it."""
        message_id = self._new_id()
        self._pending.add(message_id)
        if self._tracks_messages:
            self._waiting.add(message_id)
        return user_message(text, message_id)

    def interrupt(self) -> bytes:
        """A request to stop the turn; it is acknowledged at once."""
        request = {
            "type": "control_request",
            "request_id": self._new_id(),
            "request": {"subtype": "interrupt"},
        }
        return json.dumps(request).encode() + b"\n"

    def outcome(self, exit_code: int | None) -> Outcome:
        """The verdict: of the last result, or of a death before one that was still due.

        How it ended after its result does not matter: a program that lingers is killed.
        """
        if self._result is None and self._refusal is not None:
            error = verdict.API_REASONS[self._refusal]
            return Outcome(StopReason.AGENT_FAILED, error, self._events.usage, self._session)
        unanswered = self._running or (bool(self._pending) and exit_code != 0)
        if self._result is None or unanswered:
            reason, why = verdict.of_death(exit_code, self._last_words)
        else:
            reason, why = verdict.of_result(self._result, self._refused(self._result))
        return Outcome(
            reason,
            why,
            self._events.usage,
            self._session,
            resets_at=self._limited_until(),
            session_refused=self._result is not None and verdict.has_lost_session(self._result),
        )

    def _limited_until(self) -> float | None:
        """When the limit ends that the last result failed at, if the API told."""
        if self._result is None or not verdict.was_limited(self._result):
            return None
        return self._resets_at

    def _follow(self, event: Object) -> None:
        kind, subtype = string(event, "type"), string(event, "subtype")
        if kind == "command_lifecycle":
            self._follow_message(string(event, "command_uuid"), string(event, "state"))
        elif kind == "system" and subtype == "init":
            self._session = string(event, "session_id") or self._session
            self._tracks_messages = _TRACKS_MESSAGES in strings(event, "capabilities")
            if not self._tracks_messages:
                self._waiting.clear()
            self._running = True
        elif kind == "system" and subtype == "api_retry":
            self._notice_refusal(event)
        elif kind == "rate_limit_event":
            limit = child(event, "rate_limit_info")
            if string(limit, "status") == "rejected":
                self._resets_at = number(limit, "resetsAt") or None
        elif kind == "assistant":
            self._running = True
        elif kind == "user" and _has_tool_result(event):
            self._turns_ended += 1
        elif kind == "result":
            self._end_turn(event)

    def _follow_message(self, message_id: str, state: str) -> None:
        if state != _QUEUED:
            self._waiting.discard(message_id)
        if state in _DEALT_WITH:
            self._pending.discard(message_id)

    def _notice_refusal(self, retry: Object) -> None:
        """A refusal that was met twice does not pass by itself."""
        status = integer(retry, "error_status")
        if status in HOPELESS and integer(retry, "attempt") >= HOPELESS_ATTEMPT:
            self._refusal = status

    def _end_turn(self, result: Object) -> None:
        self._result = result
        self._running = False
        self._turns_ended += 1
        if self._tracks_messages:
            self._pending.difference_update(strings(result, "user_message_uuids"))
        else:
            self._pending.clear()

    def _refused(self, result: Object) -> list[str]:
        denials = objects(result, "permission_denials")
        return [
            string(denial, "tool_name") or "a tool"
            for denial in denials
            if not self._events.worked_after(string(denial, "tool_use_id"))
        ]


def _has_tool_result(event: Object) -> bool:
    blocks = objects(child(event, "message"), "content")
    return any(string(block, "type") == "tool_result" for block in blocks)
