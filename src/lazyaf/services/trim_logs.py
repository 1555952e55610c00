"""Forgets logs that are older than a person wants to keep; the job and its outcome stay."""

from __future__ import annotations

from typing import Final

from lazyaf.services.append_log import append_own
from lazyaf.store.logs import logs_ended_before, remove_log
from lazyaf.store.tx import Tx

AT_ONCE: Final = 20
"""Logs removed in one transaction: others wait for it."""


def trim_logs(tx: Tx, before: str, days: float, now: str) -> int:
    """Replace logs of jobs that were over before this time by one entry that says so; returns how
    many, of which there may be more when it is `AT_ONCE`."""
    old = logs_ended_before(tx, before, AT_ONCE)
    for job_id in old:
        remove_log(tx, job_id)
        text = f"The log was removed {days:g} days after the job was over, as the settings say."
        append_own(tx, job_id, text, now, name="trimmed")
    return len(old)
