"""What is done about an attempt that ended while its runner was away: the server tells with the claim's
answer. What it has left of a lost one is pushed as an orphan, so that a person may use it; of a closed
one the server has everything. Then nothing of it lies about here any more.
"""

from __future__ import annotations

import structlog

from lazyaf.domain.errors import GitFailed
from lazyaf.domain.jobs import JobKind
from lazyaf.protocol.messages import Resume
from lazyaf.runner import filelock
from lazyaf.runner.bench import Bench
from lazyaf.runner.closing import Closing
from lazyaf.runner.push import Publisher
from lazyaf.runner.workspace import TREE_WAIT_S

log = structlog.get_logger(__name__)


async def settle(bench: Bench) -> None:
    """Give back or put away what is left; the next claim is a new one."""
    log.info("job.ended_without_us", job=bench.job.job_id, state=bench.job.ended)
    space = bench.workspace
    async with filelock.lock(space.lock_path, wait_s=TREE_WAIT_S):
        if space.is_left and bench.job.ended == "lost" and bench.job.kind is JobKind.AGENT:
            if await _take_up(bench):
                closing = Closing(bench)
                closing.publisher = _publisher(bench)
                await closing.leave_orphan()
                return
            space.keep_aside()
        elif space.is_left:
            space.remove()
        else:
            space.remove_half_made()
    bench.outbox.remove()
    bench.state.done()


async def _take_up(bench: Bench) -> bool:
    """Whether the tree can still be looked at."""
    try:
        await bench.workspace.take_up_left()
    except GitFailed as error:
        log.warning("orphan.not_taken_up", job=bench.job.job_id, error=str(error))
        return False
    return True


def _publisher(bench: Bench) -> Publisher:
    """One that supposes of the server only what the tree has for sure: where its own work began."""
    start = bench.workspace.marker.start
    known = {"base_sha": start, "branch_sha": None, "resume": Resume()}
    job = bench.job.model_copy(update=known)
    return Publisher(bench.client, job, bench.workspace.git, bench.workspace.spool)
