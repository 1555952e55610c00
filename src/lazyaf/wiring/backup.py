"""Puts together what a backup copies and where a restore goes, with the locks that keep servers out."""

from __future__ import annotations

import shutil
from pathlib import Path

from sqlalchemy import URL

from lazyaf import __version__
from lazyaf.domain.errors import Conflict
from lazyaf.services import backup, restore
from lazyaf.services.backup import Manifest, Origin, Tell
from lazyaf.settings import Settings
from lazyaf.store.upkeep import only_server_on
from lazyaf.system import LOCK, RESTORING, SystemClock, only_server


def back_up(
    settings: Settings, url: URL, target: Path, tell: Tell, *, with_database: bool
) -> Manifest:
    """Make a backup of the server with these settings, which may run meanwhile; see
    `lazyaf.services.backup.back_up`."""
    return backup.back_up(
        Origin(settings.data_dir, url),
        target,
        version=__version__,
        now=SystemClock().now(),
        tell=tell,
        with_database=with_database,
    )


def restore_backup(settings: Settings, url: URL, source: Path, tell: Tell) -> Manifest:
    """Make the data directory of these settings from a backup; see `lazyaf.services.restore`.

    Raises `Conflict`: ``already_running`` or ``not_empty``.
    """
    manifest = Manifest.load(source)
    restore.require_restorable(manifest, into_file=settings.database_url is None)
    data_dir = settings.data_dir
    staging = data_dir / RESTORING
    if data_dir.is_relative_to(source):
        raise Conflict(f"{data_dir} is inside of the backup. Choose a place elsewhere.")
    was_there = data_dir.is_dir()
    if was_there and not (data_dir / LOCK).exists():  # where no server ever was nothing is made
        restore.require_empty(data_dir, staging)
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with only_server(data_dir), only_server_on(url):
            restore.require_empty(data_dir, staging)
            restore.restore(source, manifest, data_dir, staging, url, tell)
            data_dir.chmod(0o700)
    except BaseException:
        if not was_there:
            shutil.rmtree(data_dir)
        raise
    return manifest
