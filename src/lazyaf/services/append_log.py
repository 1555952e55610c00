"""Append a runner's entries to a job's log, once each and in order (rules.md R13)."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from lazyaf.domain.errors import SequenceGap
from lazyaf.domain.events import SERVER, EventType
from lazyaf.protocol.entries import Entry, EntryKind, Phase, Usage
from lazyaf.services.announce import job_changed
from lazyaf.services.context import Context
from lazyaf.services.leases import mark_contacted, require_lease
from lazyaf.store.jobs import JobRow, get_job, update_attempt, update_job
from lazyaf.store.logs import encode_batch, insert_batch
from lazyaf.store.tx import Tx

THREAD_ABOVE: Final = 50
"""Entries above which encoding is worth a thread."""
ACTION_MAX: Final = 200
_PHASES: Final = frozenset(phase.value for phase in Phase)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")
_ANSI: Final = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


@dataclass(frozen=True, slots=True)
class Progress:
    """What the card shows of a batch: the last phase, action and usage in it."""

    phase: str | None = None
    last_action: str | None = None
    usage: Usage | None = None


async def append_log(
    ctx: Context, job_id: str, lease: str, src_seq: int, entries: Sequence[Entry]
) -> int:
    """Store the entries numbered from ``src_seq``; returns the last number the server holds.

    Overlap with what is stored is trimmed; a gap raises `SequenceGap` with the expected number.
    """
    lines = [_line_of(entry) for entry in entries]
    encode = len(entries) > THREAD_ABOVE
    encoded = await asyncio.to_thread(encode_batch, lines) if encode else encode_batch(lines)
    stored = await ctx.db.write(
        _append, job_id, lease, src_seq, lines, encoded, progress_of(entries)
    )
    ctx.presence.touch(f"job:{job_id}")
    return stored


def _line_of(entry: Entry) -> str:
    """An entry as a line of JSON. Half a character, as agents cut them, becomes a question mark: a
    refusal would have the runner send it again for ever."""
    try:
        return entry.model_dump_json(exclude_defaults=True)
    except ValueError:
        return json.dumps(_whole(entry.model_dump(exclude_defaults=True)), ensure_ascii=False)


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def progress_of(entries: Sequence[Entry]) -> Progress:
    """The last phase, action and usage in a batch."""
    phase = action = usage = None
    for entry in entries:
        if entry.kind is EntryKind.PHASE:
            phase = entry.name if entry.name in _PHASES else phase
        elif entry.kind is EntryKind.USAGE and entry.usage is not None:
            usage = entry.usage
        else:
            action = _action(entry) or action
    return Progress(phase, action, usage)


def _action(entry: Entry) -> str | None:
    """What the card shows as the last thing done, on one line; None when it is nothing to show."""
    if entry.kind is EntryKind.TOOL_CALL:
        return _line(f"{entry.name or ''} {entry.text}")
    if entry.kind is EntryKind.SYSTEM and entry.name == "waiting":
        return _line(entry.text)
    if entry.kind in (EntryKind.STDOUT, EntryKind.STDERR):
        lines = _ANSI.sub("", entry.text).strip().splitlines()
        return _line(lines[-1]) if lines else None
    return None


def _line(text: str) -> str:
    return _CONTROL.sub(" ", text[: 4 * ACTION_MAX]).strip()[:ACTION_MAX]


def usage_values(usage: Usage | None) -> dict[str, Any] | None:
    """A usage as it is stored; None for one that no JSON could hold."""
    values = usage.model_dump() if usage is not None else None
    return values if values and all(math.isfinite(value) for value in values.values()) else None


def _append(
    tx: Tx,
    job_id: str,
    lease: str,
    src_seq: int,
    lines: list[str],
    encoded: tuple[str, bytes],
    progress: Progress,
) -> int:
    held = require_lease(tx, job_id, lease)
    expected = held.attempt.src_seq + 1
    if src_seq > expected:
        raise SequenceGap(expected=expected)
    overlap = expected - src_seq
    if overlap >= len(lines):
        mark_contacted(tx, held)
        return held.attempt.src_seq
    if overlap:
        lines = lines[overlap:]
        encoded = encode_batch(lines)
    last_src = held.attempt.src_seq + len(lines)
    update_attempt(tx, held.attempt, {"src_seq": last_src, "contacted": True})
    _store(tx, held.job, lines, encoded, _changes(held.job, progress))
    return last_src


def _store(
    tx: Tx, job: JobRow, lines: list[str], encoded: tuple[str, bytes], changes: dict[str, Any]
) -> None:
    last = job.log_seq + len(lines)
    codec, body = encoded
    insert_batch(
        tx,
        job.id,
        attempt=job.attempt,
        first_seq=job.log_seq + 1,
        last_seq=last,
        codec=codec,
        body=body,
    )
    update_job(tx, job, {**changes, "log_seq": last})


def _changes(job: JobRow, progress: Progress) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if progress.phase is not None:
        changes["phase"] = progress.phase
    if progress.last_action is not None:
        changes["last_action"] = progress.last_action
    usage = usage_values(progress.usage)
    if usage is not None:
        changes["usage"] = usage
    return changes


def append_own(tx: Tx, job_id: str, entries: Sequence[Entry]) -> None:
    """Append entries of the server itself."""
    lines = [entry.model_dump_json(exclude_defaults=True) for entry in entries]
    _store(tx, get_job(tx, job_id), lines, encode_batch(lines), {})


def announce_progress(tx: Tx, job_id: str) -> None:
    """Tell the board how a running job gets on; at most once a second (rules.md R11)."""
    if get_job(tx, job_id).status == "running":
        job_changed(tx, EventType.JOB_PROGRESSED, job_id, SERVER)
