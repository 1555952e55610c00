"""Puts together what looks for leftovers: the server's own, and those of its local runners."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path

from sqlalchemy import URL

from lazyaf.domain.errors import Unavailable
from lazyaf.domain.leftovers import Leftover
from lazyaf.runner.config import RunnerConfig, SandboxMode
from lazyaf.runner.isolation import detect
from lazyaf.runner.retention import Retention
from lazyaf.runner.statedirs import sweep_state_dirs
from lazyaf.runner.workdir import WorkDir
from lazyaf.services.about_leftovers import about_leftovers
from lazyaf.services.collect import Collector
from lazyaf.services.context import Context
from lazyaf.settings import Settings
from lazyaf.store.database import SqlDatabase
from lazyaf.store.migrate import current_revision, revisions
from lazyaf.store.upkeep import copies, only_server_on
from lazyaf.system import SystemClock, only_server
from lazyaf.wiring.context import make_context


def make_collector(settings: Settings, ctx: Context, url: URL) -> Collector:
    """What ``lazyaf gc`` asks, of a server that runs or of one that stands still."""

    async def sweep(dry_run: bool) -> list[Leftover]:
        # The local runners' disk is ours as well; their code looks after it, with our answers.
        ask = partial(about_leftovers, ctx)
        work = WorkDir(settings.agents_dir)
        found = await sweep_state_dirs(settings.data_dir / "runners", ask, dry_run=dry_run)
        if not await asyncio.to_thread(work.root.is_dir):
            return found
        sandbox = await detect(probe_config(settings))
        return [*found, *await Retention(work, sandbox, ask, time.time(), dry_run=dry_run).sweep()]

    return Collector(
        ctx, copies=lambda: copies(url), sweep=sweep, keep_logs=settings.keep_logs_days
    )


def probe_config(settings: Settings) -> RunnerConfig:
    """The settings of a local runner, as far as its sandbox goes."""
    return RunnerConfig(
        server="",
        token="",
        name="probe",
        state_dir=settings.data_dir / "runners",
        work_dir=settings.agents_dir,
        sandbox=SandboxMode(settings.isolation),
        hide=(settings.data_dir,),
    )


def collect_leftovers(settings: Settings, url: URL, *, dry_run: bool) -> list[Leftover]:
    """Look for leftovers of a server that does not run; one that runs is asked.

    Raises `Conflict` ``already_running``, `Unavailable` when the database is of another version.
    """
    if not _has_database(settings, url):
        return []
    with only_server(settings.data_dir), only_server_on(url):
        if current_revision(url) != revisions()[-1]:
            raise Unavailable(
                "The database is of another version of LazyAF. Start the server once, then look again."
            )
        return asyncio.run(_collect(settings, url, dry_run=dry_run))


def _has_database(settings: Settings, url: URL) -> bool:
    if url.get_backend_name() == "sqlite":
        return Path(url.database or "").is_file()
    return settings.data_dir.is_dir()


async def _collect(settings: Settings, url: URL, *, dry_run: bool) -> list[Leftover]:
    clock = SystemClock()
    db = SqlDatabase(url, clock)
    db.start()
    try:
        ctx = await make_context(settings, db, clock)
        return await make_collector(settings, ctx, url).collect(dry_run=dry_run)
    finally:
        await asyncio.to_thread(db.close)
