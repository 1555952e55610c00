"""The composition root: the only place that knows everybody. `serve` is the whole server process."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import structlog
import uvloop
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from lazyaf import __version__
from lazyaf.agents import registry
from lazyaf.agents.trial import try_agent
from lazyaf.domain.errors import Forbidden, Unavailable
from lazyaf.domain.events import PERSON, EventType, NewEvent
from lazyaf.domain.leftovers import Leftover
from lazyaf.domain.ports import Pool
from lazyaf.runner.config import host_environment
from lazyaf.runner.workdir import WorkDir
from lazyaf.services.attachments import follow_removals
from lazyaf.services.backup import Manifest
from lazyaf.services.context import Context
from lazyaf.services.demo import make_demo
from lazyaf.services.disk_room import watch_room
from lazyaf.services.disk_use import DiskUse
from lazyaf.services.drain import wait_for_jobs
from lazyaf.services.housekeeping import Housekeeping
from lazyaf.services.password import Password, require_strong
from lazyaf.services.radar import Radar
from lazyaf.services.recover import recover
from lazyaf.services.run_checks import follow_checks
from lazyaf.settings import ANYWHERE, LOOPBACK, Settings
from lazyaf.store.database import SqlDatabase
from lazyaf.store.engine import normalise_url, sqlite_url
from lazyaf.store.migrate import upgrade
from lazyaf.store.upkeep import copies, only_server_on, truncate_wal, wal_bytes
from lazyaf.system import (
    SystemClock,
    only_server,
    prepare_data_dir,
)
from lazyaf.web.app import create_app
from lazyaf.web.board_cache import BoardCache
from lazyaf.web.config import WebConfig, WebState
from lazyaf.web.credentials import Credentials
from lazyaf.web.feed import EventFeed
from lazyaf.web.progress import ProgressThrottle
from lazyaf.web.server import Server, open_socket
from lazyaf.wiring import backup, care
from lazyaf.wiring.context import make_context
from lazyaf.wiring.door import Door
from lazyaf.wiring.pools import make_pools
from lazyaf.wiring.tokens import make_credentials

log = structlog.get_logger(__name__)

Announce = Callable[[str, str | None], None]

FREEING: Final = frozenset(
    {
        EventType.JOB_FINISHED,
        EventType.JOB_REQUEUED,
        EventType.REPO_UPDATED,
        EventType.SETTINGS_UPDATED,
        EventType.DISK_HAS_ROOM,
    }
)
"""After these a limit may have room, or giving out jobs goes on."""
YOUNG_OBJECTS: Final = 10_000
"""How many new objects the collector of cycles waits for; looking at so many takes a millisecond or two."""


@dataclass(frozen=True, slots=True)
class House:
    """Everything that was put together."""

    settings: Settings
    ctx: Context
    state: WebState
    pools: Sequence[Pool]
    db: SqlDatabase
    housekeeping: Housekeeping
    radar: Radar
    door: Door


def serve(settings: Settings, announce: Announce) -> None:
    """Serve until a signal comes. ``announce`` is told the URL and a sign-in link once it listens.

    Raises typed errors for what a person can put right: a taken port, another server, a newer
    database, a host beyond loopback.
    """
    if settings.auth == "off":
        require_safe_host(settings, has_password=False)
    prepare_data_dir(settings.data_dir)
    with only_server(settings.data_dir), only_server_on(database_url(settings)):
        listener = _listen(settings)
        try:
            uvloop.run(_serve(settings, listener, announce))
        finally:
            listener.close()


def require_safe_host(settings: Settings, *, has_password: bool) -> None:
    """Refuse what would let strangers in."""
    if settings.host in LOOPBACK:
        return
    if settings.auth == "off":
        raise Forbidden(
            f"LazyAF does not listen on {settings.host} with --auth off: everyone who reaches it could "
            "do everything. Leave --auth off away and set a password with `lazyaf password set`.",
            code="no_password",
        )
    if not has_password:
        raise Forbidden(
            f"LazyAF does not listen on {settings.host} without a password: others reach it there. Set "
            "one with `lazyaf password set`, or use 127.0.0.1 and reach it from elsewhere through "
            f"`ssh -L {settings.port}:127.0.0.1:{settings.port}`.",
            code="no_password",
        )


def set_password(settings: Settings, password: str) -> None:
    """Set the password of the data directory's server, which must not run; a running one is asked.

    Raises `Conflict` ``already_running``, `Invalid` for a password that is too weak, and whatever
    the database has to say.
    """
    require_strong(password)
    prepare_data_dir(settings.data_dir)
    with only_server(settings.data_dir), only_server_on(database_url(settings)):
        asyncio.run(_set_password(database_url(settings), password))


async def _set_password(url: URL, password: str) -> None:
    await asyncio.to_thread(upgrade, url)
    clock = SystemClock()
    db = SqlDatabase(url, clock)
    db.start()
    try:
        await Password(db, clock).change(password)
    finally:
        await asyncio.to_thread(db.close)


def back_up(
    settings: Settings, target: Path, tell: Callable[[str], None], *, with_database: bool
) -> Manifest:
    """Copy what a server with these settings has into a new directory; it may run meanwhile."""
    url = database_url(settings)
    return backup.back_up(settings, url, target, tell, with_database=with_database)


def restore_backup(settings: Settings, source: Path, tell: Callable[[str], None]) -> Manifest:
    """Make the data directory of these settings from a backup."""
    return backup.restore_backup(settings, database_url(settings), source, tell)


def collect_leftovers(settings: Settings, *, dry_run: bool) -> list[Leftover]:
    """Look for leftovers of a server with these settings, which must not run; a running one is asked."""
    return care.collect_leftovers(settings, database_url(settings), dry_run=dry_run)


def _listen(settings: Settings) -> socket.socket:
    try:
        return open_socket(settings.host, settings.port)
    except OSError as error:
        raise Unavailable(
            f"Port {settings.port} on {settings.host} cannot be used: {error.strerror}. Choose "
            "another with --port, or stop what uses it.",
            code="port_taken",
        ) from None


async def _serve(settings: Settings, listener: socket.socket, announce: Announce) -> None:
    port = listener.getsockname()[1]
    url = f"http://{_bracketed(_reachable(settings.host))}:{port}"
    try:
        house = await build(settings, url)
    except (DBAPIError, OSError) as error:
        raise _cannot_begin(settings, error) from error
    app = create_app(house.state)

    async def before_exit() -> None:
        # Runners push what they have while we still serve; everyone who waits is sent away.
        house.ctx.dispatcher.drain()
        if settings.drain:
            await wait_for_jobs(house.ctx)
        house.ctx.control.drain()
        house.ctx.followers.drain()
        await asyncio.gather(*(pool.stop() for pool in house.pools))
        await house.state.feed.stop()

    server = Server(app, before_exit, proxies=settings.trusted_proxies)
    async with running(house):
        require_safe_host(settings, has_password=house.state.credentials.password.is_set)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await asyncio.wait(
            {serving, asyncio.ensure_future(server.is_up.wait())},
            return_when=asyncio.FIRST_COMPLETED,
        )
        if server.started:
            await asyncio.gather(*(pool.start() for pool in house.pools))
            code = None if settings.auth == "off" else house.state.credentials.new_code()
            page = house.state.config.base_url
            announce(url, None if code is None else f"{page}/#code={code}")
            _settle_memory()
        await serving


def _cannot_begin(settings: Settings, error: DBAPIError | OSError) -> Unavailable:
    """Database or disk do not let the server begin: words for whoever runs it."""
    said = error.orig if isinstance(error, DBAPIError) else error
    return Unavailable(
        f"The server cannot begin: {said}. See that {settings.data_dir} can be written and its disk has "
        "room, and that the database can be reached; then start again."
    )


def _reachable(host: str) -> str:
    """An address at which a server on this host is reached from the machine itself."""
    return dict(zip(ANYWHERE, ("127.0.0.1", "::1"), strict=True)).get(host, host)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _settle_memory() -> None:
    """What stands now stays: the collector need not look at it again (store.md). Of what comes it sees more
    at a time: with 700 objects, its default, requests alone make it go through every open socket again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)


def database_url(settings: Settings) -> URL:
    """Where the database is."""
    if settings.database_url is not None:
        return normalise_url(settings.database_url)
    return sqlite_url(settings.database_path)


async def build(settings: Settings, base_url: str) -> House:
    """Put everything together and bring it up to date; nothing is served yet."""
    url = database_url(settings)
    copy = await asyncio.to_thread(upgrade, url)
    if copy is not None:
        log.info("database_upgraded", copy=str(copy))
    if settings.database_url is None:
        settings.database_path.chmod(0o600)
    clock = SystemClock()
    db = SqlDatabase(url, clock)
    db.start()
    ctx = await make_context(settings, db, clock)
    credentials = await make_credentials(settings, ctx)
    door = Door()
    pools = await make_pools(settings, ctx, credentials, base_url, door)
    state = door.state = _web_state(settings, ctx, credentials, pools, base_url, url)
    radar = Radar(ctx)
    db.on_commit.append(_listener(ctx, state, radar))
    await watch_room(db, ctx.room)
    await recover(ctx)

    async def upkeep() -> None:
        await asyncio.to_thread(truncate_wal, url)

    housekeeping = Housekeeping(
        ctx,
        upkeep,
        repositories=settings.upkeep,
        pulls=settings.follow_pulls,
        keep_logs=settings.keep_logs_days,
    )
    return House(settings, ctx, state, pools, db, housekeeping, radar, door)


def _web_state(
    settings: Settings,
    ctx: Context,
    credentials: Credentials,
    pools: Sequence[Pool],
    base_url: str,
    url: URL,
) -> WebState:
    return WebState(
        ctx=ctx,
        config=WebConfig(
            auth=settings.auth,
            version=__version__,
            data_dir=str(settings.data_dir),
            database=url.get_backend_name(),
            base_url=settings.public_url or base_url,
            allowed_hosts=[*LOOPBACK, *settings.own_hosts, *settings.allowed_hosts],
            cors_origins=settings.cors_origins,
            dist=Path(__file__).parent / "web" / "dist",
            public_origin=settings.public_url,
        ),
        credentials=credentials,
        feed=EventFeed(ctx.db, ctx.epoch),
        boards=BoardCache(),
        progress=ProgressThrottle(ctx.db),
        pools=pools,
        offers=agent_offers,
        trial=agent_trial,
        demo=lambda: make_demo(ctx, PERSON),
        disk_use=DiskUse(
            ctx,
            wal=lambda: wal_bytes(url),
            copies=lambda: copies(url),
            work=WorkDir(settings.agents_dir).sizes,
        ),
        collector=care.make_collector(settings, ctx, url),
    )


async def agent_offers() -> list[dict[str, Any]]:
    """What agents can run on this machine."""
    offers = await asyncio.to_thread(registry.offers, host_environment(os.environ))
    titles = {agent.name: agent.title for agent in registry.AGENTS.values()}
    return [{**offer.model_dump(), "title": titles[offer.name]} for offer in offers]


async def agent_trial(name: str) -> dict[str, Any]:
    """Whether the agent of this name answers on this machine."""
    return asdict(await try_agent(registry.get(name), host_environment(os.environ)))


def _listener(ctx: Context, state: WebState, radar: Radar) -> Callable[[Sequence[NewEvent]], None]:
    """What happens after each commit, before anyone is answered: hints, and what would be begun at the next
    start."""

    def on_commit(events: Sequence[NewEvent]) -> None:
        for event in events:  # the runners first: somebody looks at how soon one has the job
            if event.type is EventType.JOB_QUEUED:
                job: Any = event.data["job"]
                ctx.dispatcher.wake(job["agent"])
            elif event.type in (EventType.JOB_REQUEUED, EventType.JOB_FINISHED):
                ctx.followers.wake(event.subject)  # its log has a last word, or ends
        if any(event.type in FREEING for event in events):
            ctx.dispatcher.wake_for_room()
        state.boards.on_commit(events)
        state.feed.nudge()
        radar.heard(events)
        follow_checks(ctx, events)
        follow_removals(ctx, events)
        for pool in state.pools:
            pool.heard(events)

    return on_commit


@asynccontextmanager
async def running(house: House) -> AsyncIterator[None]:
    """What goes on beside serving; ended in order, the database last."""
    await house.state.feed.start()
    house.state.progress.start()
    house.housekeeping.start()
    await house.radar.start()
    try:
        yield
    finally:
        house.radar.close()
        await house.door.close()
        await house.housekeeping.stop()
        await house.state.progress.stop()
        await house.state.feed.stop()
        await house.ctx.git.close()  # first, because a fetch from a remote may take its time
        await house.ctx.background.settle()
        await house.ctx.forges.close()
        await asyncio.to_thread(house.db.close)
