"""What a pool of containers asks about the images that repositories name: which are needed next, and the
word that one is of no use.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lazyaf.domain.containers import Coming, Kind
from lazyaf.domain.events import SERVER, EventType, NewEvent
from lazyaf.domain.jobs import StopReason
from lazyaf.services.close_job import Closing, close_job
from lazyaf.services.context import Context
from lazyaf.services.runners import busy_runners
from lazyaf.store.holds import PREPARING
from lazyaf.store.queue import coming_jobs, queued_for_image, repos_of_other_images
from lazyaf.store.settings import get_setting, put_setting
from lazyaf.store.tx import Tx


def coming(tx: Tx, limit: int, cached: Collection[str]) -> Coming:
    """What a pool of this size needs next, that has caches of these repositories. Says nothing of large
    ones."""
    busy = frozenset(busy_runners(tx))
    if not cached and not repos_of_other_images(tx, None):
        return Coming(None, busy)
    jobs = coming_jobs(tx, limit)
    return Coming(
        tuple(Kind(image, repo_id if repo_id in cached else None) for image, repo_id in jobs), busy
    )


def note_preparing(tx: Tx, pool: str, images: Sequence[str]) -> None:
    """This pool sees to these images and to no others: the cards that wait for them say so."""
    if images == get_setting(tx, PREPARING, []):
        return
    put_setting(tx, PREPARING, list(images))
    about = {"pool": pool, "images": list(images)}
    tx.emit(NewEvent(EventType.POOL_PREPARING, f"pool:{pool}", SERVER, 0, about))


async def refuse_image(ctx: Context, image: str, why: str, agent: str | None = None) -> None:
    """No runner can work in this image, or (``agent``) this agent cannot: the jobs that wait for it fail,
    and say why."""
    await ctx.db.write(_refuse, image, why, agent, ctx.clock.now())


def _refuse(tx: Tx, image: str, why: str, agent: str | None, now: str) -> None:
    for job_id in queued_for_image(tx, image, agent):
        close_job(tx, job_id, Closing(StopReason.SETUP_FAILED, error=why), SERVER, now)
