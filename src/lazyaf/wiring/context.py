"""Puts together what services are given beyond a transaction."""

from __future__ import annotations

import secrets
from functools import partial

from lazyaf.domain.attachments import AttachmentLimits
from lazyaf.forges.registry import ForgeClients
from lazyaf.git.quota import MB, Quota
from lazyaf.git.storage import Storage
from lazyaf.services.attachment_files import FOLDER, AttachmentFiles
from lazyaf.services.background import Background
from lazyaf.services.context import Context, Rhythm
from lazyaf.services.credentials import LeaseKeys
from lazyaf.services.disk_room import DiskRoom
from lazyaf.services.dispatch import Dispatcher
from lazyaf.services.job_waiters import JobWaiters
from lazyaf.services.locks import KeyedLocks
from lazyaf.services.presence import Presence
from lazyaf.settings import Settings
from lazyaf.store.database import SqlDatabase
from lazyaf.store.settings import get_setting, put_setting
from lazyaf.store.tx import Tx
from lazyaf.system import SystemClock, disks_of, new_id, read_or_make_secret


async def make_context(settings: Settings, db: SqlDatabase, clock: SystemClock) -> Context:
    """Over a database that is up to date, and running."""
    epoch = await db.write(_epoch, new_id())
    secret = read_or_make_secret(settings.data_dir / "secret", lambda: secrets.token_hex(32))
    return Context(
        db=db,
        git=Storage(settings.data_dir / "git", quota=_quota(settings)),
        clock=clock,
        new_id=new_id,
        keys=LeaseKeys(bytes.fromhex(secret)),
        rhythm=Rhythm(
            heartbeat=settings.heartbeat,
            lease=settings.lease,
            long_poll=settings.long_poll,
            first_contact=settings.first_contact,
            cancel_grace=settings.cancel_grace,
            checkpoint=settings.checkpoint,
            runner_grace=settings.runner_grace,
        ),
        dispatcher=Dispatcher(),
        control=JobWaiters(),
        followers=JobWaiters(),
        presence=Presence(clock.monotonic),
        job_locks=KeyedLocks(),
        epoch=epoch,
        room=DiskRoom(
            partial(disks_of, settings.disk_folders),
            settings.disk_reserve_mb * 10**6,
            clock.monotonic,
        ),
        background=Background(),
        attachments=AttachmentFiles(settings.data_dir / FOLDER, _attachment_limits(settings)),
        forges=ForgeClients(),
    )


def _attachment_limits(settings: Settings) -> AttachmentLimits:
    return AttachmentLimits(
        file=settings.attachment_max_mb * MB,
        count=settings.attachments_max,
        total=settings.attachments_max_mb * MB,
    )


def _quota(settings: Settings) -> Quota:
    return Quota(
        push=settings.push_max_mb * MB,
        repository=settings.repo_max_mb * MB,
        packs=settings.packs,
        waiting=settings.packs_waiting,
    )


def _epoch(tx: Tx, fresh: str) -> str:
    """The database's own name; a cursor of another database is worthless here."""
    epoch: str | None = get_setting(tx, "epoch")
    if epoch is None:
        put_setting(tx, "epoch", fresh)
        return fresh
    return epoch
