"""Turns the events of Claude Code's JSON stream into entries.

One method for each type of event; a type or subtype that is not known becomes a raw entry, so that
nothing an agent says is hidden. Known events that tell a person nothing (`_SILENT`) make no entry.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from typing import Final

from lazyaf.agents.claude.patches import patch_detail
from lazyaf.agents.claude.tools import result_text, summary
from lazyaf.agents.claude.usage import UsageCounter
from lazyaf.agents.claude.verdict import was_interrupted
from lazyaf.agents.entries import EntryMaker
from lazyaf.agents.loose import Object, child, flag, integer, number, objects, string, strings
from lazyaf.protocol.entries import Entry, EntryKind, Usage

_SILENT: Final = frozenset(
    {
        "command_lifecycle",
        "control_response",
        "keep_alive",
        "system/hook_started",
        "system/status",
        "system/thinking_tokens",
        "system/vcs_state_changed",
        "system/session_state_changed",
    }
)


class EventReader:
    """Reads events in order; remembers tool calls, so that results can be told by tool."""

    def __init__(self, entries: EntryMaker, worktree: PurePath) -> None:
        self._entries = entries
        self._worktree = worktree
        self._usage = UsageCounter()
        self._calls: dict[str, tuple[int, str]] = {}
        self._last_success: dict[str, int] = {}
        self._readers: dict[str, Callable[[Object], list[Entry]]] = {
            "assistant": self._assistant,
            "user": self._user,
            "result": self._result,
            "rate_limit_event": self._rate_limit,
            "system/init": self._init,
            "system/api_retry": self._api_retry,
            "system/permission_denied": self._permission_denied,
            "system/hook_response": self._hook,
            "system/compact_boundary": self._compacted,
            "system/task_started": self._task,
            "system/task_notification": self._task,
        }

    @property
    def usage(self) -> Usage | None:
        """Usage of this run as far as results told it."""
        return self._usage.total

    def worked_after(self, call_id: str) -> bool:
        """Whether the tool of this call succeeded in a later call: the agent found another way."""
        number_, tool = self._calls.get(call_id, (0, ""))
        return self._last_success.get(tool, -1) > number_

    def read(self, event: Object, raw: str) -> list[Entry]:
        """The entries of one event, the first of which carries the raw line."""
        kind, subtype = string(event, "type"), string(event, "subtype")
        key = f"system/{subtype}" if kind == "system" else kind
        if key in _SILENT:
            return []
        reader = self._readers.get(key)
        if reader is None:
            name = f"{kind}/{subtype}" if subtype else kind
            return [self._entries.make(EntryKind.RAW, raw, name=name or None)]
        entries = reader(event)
        if entries:
            entries[0] = self._entries.with_raw(entries[0], raw)
        return entries

    def _assistant(self, event: Object) -> list[Entry]:
        parent = string(event, "parent_tool_use_id")
        detail = {"parent_call_id": parent} if parent else None
        is_error = bool(event.get("error"))
        entries = []
        for block in objects(child(event, "message"), "content"):
            kind = string(block, "type")
            if kind == "text":
                entries.append(
                    self._entries.make(
                        EntryKind.MESSAGE, string(block, "text"), is_error=is_error, detail=detail
                    )
                )
            elif kind in ("thinking", "redacted_thinking"):
                words = string(block, "thinking")
                entries.append(self._entries.make(EntryKind.THINKING, words, detail=detail))
            elif kind in ("tool_use", "server_tool_use"):
                entries.append(self._tool_call(block, detail))
            else:
                entries.append(self._entries.make(EntryKind.RAW, f"[{kind}]", name=kind or None))
        return entries

    def _tool_call(self, block: Object, detail: dict[str, str] | None) -> Entry:
        call_id, tool = string(block, "id"), string(block, "name") or "tool"
        arguments = child(block, "input")
        self._calls[call_id] = (len(self._calls), tool)
        return self._entries.make(
            EntryKind.TOOL_CALL,
            summary(tool, arguments, self._worktree),
            name=tool,
            call_id=call_id,
            input=arguments,
            detail=detail,
        )

    def _user(self, event: Object) -> list[Entry]:
        message = child(event, "message")
        words = string(message, "content")
        entries = [self._entries.make(EntryKind.SYSTEM, words)] if words else []
        patch = patch_detail(child(event, "tool_use_result"), self._worktree)
        for block in objects(message, "content"):
            if string(block, "type") == "tool_result":
                entries.append(self._tool_result(block, patch))
                patch = None
            elif string(block, "text"):
                entries.append(self._entries.make(EntryKind.SYSTEM, string(block, "text")))
        return entries

    def _tool_result(self, block: Object, patch: dict[str, object] | None) -> Entry:
        call_id, is_error = string(block, "tool_use_id"), flag(block, "is_error")
        number_, tool = self._calls.get(call_id, (0, ""))
        if not is_error:
            self._last_success[tool] = number_
        return self._entries.make(
            EntryKind.TOOL_RESULT,
            result_text(block),
            name=tool or None,
            call_id=call_id,
            is_error=is_error,
            detail=patch,
        )

    def _result(self, event: Object) -> list[Entry]:
        entries = [self._entries.make(EntryKind.USAGE, usage=self._usage.add(event))]
        if was_interrupted(event):
            words = "Interrupted. The agent waits for a message."
            entries.append(self._entries.make(EntryKind.SYSTEM, words))
        elif flag(event, "is_error"):
            words = " ".join([*strings(event, "errors"), string(event, "result")]).strip()
            entries.append(self._entries.make(EntryKind.SYSTEM, words, is_error=True))
        return entries

    def _init(self, event: Object) -> list[Entry]:
        version, model = string(event, "claude_code_version"), string(event, "model")
        words = f"Claude Code {version} with {model}".strip()
        detail = {"session": string(event, "session_id"), "model": model, "version": version}
        return [self._entries.make(EntryKind.SYSTEM, words, name="init", detail=detail)]

    def _api_retry(self, event: Object) -> list[Entry]:
        status = integer(event, "error_status")
        why = string(event, "error").replace("_", " ") or "no reason given"
        told = f"{why}, {status}" if status else why
        words = (
            f"The API did not answer ({told}). Retry {integer(event, 'attempt')} of "
            f"{integer(event, 'max_retries')} in {number(event, 'retry_delay_ms') / 1000:.1f} s."
        )
        return [self._entries.make(EntryKind.SYSTEM, words, name="api_retry", is_error=True)]

    def _permission_denied(self, event: Object) -> list[Entry]:
        words = f"{string(event, 'tool_name') or 'A tool'} was denied. {string(event, 'message')}"
        return [
            self._entries.make(
                EntryKind.SYSTEM,
                words.strip(),
                name="permission_denied",
                call_id=string(event, "tool_use_id") or None,
                is_error=True,
            )
        ]

    def _hook(self, event: Object) -> list[Entry]:
        failed = string(event, "outcome") not in ("", "success")
        output = string(event, "output").strip()
        if not output and not failed:
            return []
        words = f"Hook {string(event, 'hook_name')}: {output or string(event, 'outcome')}"
        return [self._entries.make(EntryKind.SYSTEM, words, name="hook", is_error=failed)]

    def _rate_limit(self, event: Object) -> list[Entry]:
        info = child(event, "rate_limit_info")
        status = string(info, "status")
        if status == "allowed":
            return []
        which = string(info, "rateLimitType").replace("_", " ") or "rate"
        words = f"The {which} limit: {status.replace('_', ' ')}."
        return [
            self._entries.make(
                EntryKind.SYSTEM,
                words,
                name="rate_limit",
                is_error=status == "rejected",
                detail={"resets_at": integer(info, "resetsAt") or None},
            )
        ]

    def _compacted(self, event: Object) -> list[Entry]:
        words = "The conversation grew long and was summarised."
        return [self._entries.make(EntryKind.SYSTEM, words, name="compact")]

    def _task(self, event: Object) -> list[Entry]:
        words = string(event, "summary") or string(event, "description")
        status = string(event, "status") or "started"
        return [self._entries.make(EntryKind.SYSTEM, f"Task {status}: {words}", name="task")]
