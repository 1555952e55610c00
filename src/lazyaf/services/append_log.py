"""Append a runner's entries to a job's log, once each and in order (rules.md R13)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from pydantic import TypeAdapter

from lazyaf.domain.errors import LazyafError, SequenceGap
from lazyaf.domain.events import SERVER, EventType
from lazyaf.protocol.entries import EntryFields, EntryKind, Phase, Usage
from lazyaf.services.announce import job_changed
from lazyaf.services.context import Context
from lazyaf.services.credentials import digest
from lazyaf.services.in_rounds import in_rounds
from lazyaf.services.leases import lease_lost
from lazyaf.store.jobs import attempt_by_lease, get_job
from lazyaf.store.logs import (
    LogEnd,
    NewEntries,
    advance_attempts,
    encode_batch,
    find_log_ends,
    insert_entries,
)
from lazyaf.store.tx import Tx

ACTION_MAX: Final = 200
_ENTRIES: Final = TypeAdapter(list[EntryFields])
_PHASE, _USAGE = EntryKind.PHASE, EntryKind.USAGE
"""Looked up once: this takes longer than all else that is done to an entry of a large batch."""
_PHASES: Final = frozenset(phase.value for phase in Phase)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")
_ANSI: Final = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries, what is stored of them (codec and bytes), and what of them the card shows (columns of
    the job)."""

    entries: Sequence[EntryFields]
    encoded: tuple[str, bytes]
    shown: dict[str, Any]


def batch_of(entries: Sequence[EntryFields]) -> Batch:
    """Make a batch ready to be stored. Costly when it is large: then call it in a thread."""
    return Batch(entries, encode_batch(_json(entries)), _shown(entries))


@dataclass(frozen=True, slots=True)
class Sent:
    """A batch that a runner sent, numbered from ``src_seq``."""

    job_id: str
    lease: str = field(repr=False)
    src_seq: int
    batch: Batch


async def append_log(ctx: Context, job_id: str, lease: str, src_seq: int, batch: Batch) -> int:
    """Store the entries numbered from ``src_seq``; returns the last number the server holds.

    Overlap with what is stored is trimmed; a gap raises `SequenceGap` with the expected number.
    """
    sent = Sent(job_id, lease, src_seq, batch)
    stored: int = await ctx.db.write_together(append_batches, sent)
    ctx.presence.touch(f"job:{job_id}")
    ctx.followers.wake(job_id)
    return stored


def _json(entries: Sequence[EntryFields]) -> bytes:
    """Entries as a JSON array. Half a character, as agents cut them, becomes a question mark: a refusal
    would have the runner send it again for ever."""
    try:
        return _ENTRIES.dump_json(list(entries))
    except ValueError:
        values = _whole(_ENTRIES.dump_python(list(entries)))
        return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _shown(entries: Sequence[EntryFields]) -> dict[str, Any]:
    """The last phase, action and usage in a batch."""
    phase = action = usage = None
    for entry in reversed(entries):
        kind = entry["kind"]
        if kind is _PHASE:
            name = entry.get("name")
            phase = phase or (name if name in _PHASES else None)
        elif kind is _USAGE:
            usage = usage or entry.get("usage")
        elif action is None:
            action = _action(entry) or None
    return {"phase": phase, "last_action": action, "usage": usage_values(usage)}


def _action(entry: EntryFields) -> str | None:
    """What the card shows as the last thing done, on one line; None when it is nothing to show."""
    kind, name, text = entry["kind"], entry.get("name"), entry.get("text", "")
    if kind is EntryKind.TOOL_CALL:
        return _line(f"{name or ''} {text}")
    if kind is EntryKind.SYSTEM and name in ("waiting", "goes_on"):
        return _line(text)
    if kind in (EntryKind.STDOUT, EntryKind.STDERR):
        lines = _ANSI.sub("", text).strip().splitlines()
        return _line(lines[-1]) if lines else None
    return None


def _line(text: str) -> str:
    return _CONTROL.sub(" ", text[: 4 * ACTION_MAX]).strip()[:ACTION_MAX]


def usage_values(usage: Usage | None) -> dict[str, Any] | None:
    """A usage as it is stored; None for one that no JSON could hold."""
    values = usage.model_dump() if usage is not None else None
    return values if values and all(math.isfinite(value) for value in values.values()) else None


def append_batches(tx: Tx, sent: Sequence[Sent]) -> list[int | Exception]:
    """Store what several runners sent; for each the last number that is held, or why it is refused."""
    return in_rounds(sent, lambda each: {each.lease}, partial(_append_round, tx))


def _append_round(tx: Tx, sent: Sequence[Sent]) -> list[int | Exception]:
    """Of each lease at most one batch."""
    hashes = [digest(each.lease) for each in sent]
    ends = find_log_ends(tx, hashes)
    answers: list[int | Exception] = []
    ahead: list[tuple[LogEnd, int]] = []
    new: list[NewEntries] = []
    for each, lease_hash in zip(sent, hashes, strict=True):
        try:
            end = _end_of(tx, each, ends.get(lease_hash))
        except LazyafError as refusal:
            answers.append(refusal)
            continue
        batch = _fresh(each, end)
        count = len(batch.entries)
        answers.append(end.src_seq + count)
        ahead.append((end, count))
        if count:
            new.append(_following(end.job_id, end.attempt, end.log_seq, batch))
    if ahead:
        advance_attempts(tx, ahead)
    if new:
        insert_entries(tx, new)
    return answers


def _end_of(tx: Tx, sent: Sent, end: LogEnd | None) -> LogEnd:
    """Where the batch goes; raises `LeaseLost`, or `SequenceGap` when entries before it are missing."""
    if end is None or end.job_id != sent.job_id:
        raise lease_lost(attempt_by_lease(tx, digest(sent.lease)), sent.job_id)
    if sent.src_seq > end.src_seq + 1:
        raise SequenceGap(expected=end.src_seq + 1)
    return end


def _fresh(sent: Sent, end: LogEnd) -> Batch:
    """What of the batch is not stored yet."""
    known = end.src_seq + 1 - sent.src_seq
    return batch_of(sent.batch.entries[known:]) if known else sent.batch


def _following(job_id: str, attempt: int, log_seq: int, batch: Batch) -> NewEntries:
    codec, body = batch.encoded
    return NewEntries(job_id, attempt, log_seq, len(batch.entries), codec, body, batch.shown)


def append_own(
    tx: Tx,
    job_id: str,
    text: str,
    now: str,
    *,
    kind: EntryKind = EntryKind.SYSTEM,
    name: str | None = None,
    is_error: bool = False,
) -> None:
    """Append an entry of the server itself."""
    entry: EntryFields = {"at": now, "kind": kind, "text": text}
    if is_error:
        entry["is_error"] = True
    if name is not None:
        entry["name"] = name
    job = get_job(tx, job_id)
    insert_entries(tx, [_following(job_id, job.attempt, job.log_seq, batch_of([entry]))])


def announce_progress(tx: Tx, job_id: str) -> None:
    """Tell the board how a running job gets on; at most once a second (rules.md R11)."""
    if get_job(tx, job_id).status == "running":
        job_changed(tx, EventType.JOB_PROGRESSED, job_id, SERVER)
