"""Hosts that a job in a container wanted and did not reach, counted on the job for the one who reviews it."""

from __future__ import annotations

from typing import Final

from lazyaf.domain.events import SERVER, EventType
from lazyaf.services.announce import job_changed
from lazyaf.store.jobs import get_job, update_job
from lazyaf.store.tx import Tx

HOSTS_MAX: Final = 200
"""Different hosts that are kept for one job; an agent may try as many as it likes."""
OTHERS: Final = "others"


def note_blocked(tx: Tx, job_id: str, host: str, times: int) -> None:
    """Count it. Raises `NotFound` when the job is gone."""
    job = get_job(tx, job_id)
    blocked = dict(job.blocked_hosts or {})
    if host not in blocked and len(blocked) >= HOSTS_MAX:
        host = OTHERS
    blocked[host] = blocked.get(host, 0) + times
    update_job(tx, job, {"blocked_hosts": blocked})
    job_changed(tx, EventType.JOB_PROGRESSED, job_id, SERVER)
