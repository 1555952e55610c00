"""The server itself: health, metrics, agents, settings and the demo."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Response

from lazyaf.protocol import VERSION
from lazyaf.services.metrics import figures
from lazyaf.services.settings import edit_settings, show_settings
from lazyaf.web import schemas
from lazyaf.web.auth import Person, State
from lazyaf.web.config import WebState
from lazyaf.web.errors import PROBLEMS

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

router = APIRouter(tags=["server"], responses=PROBLEMS)


@router.get("/api/health", response_model=schemas.Health)
async def health(state: State) -> schemas.Health:
    """Open to anyone: whether the server is up, how to speak to it and how to sign in."""
    return schemas.Health(
        version=state.config.version,
        auth=state.config.auth,
        has_password=state.credentials.password.is_set,
        epoch=state.ctx.epoch,
        protocol=VERSION,
    )


@router.get("/metrics", response_class=Response)
async def metrics(state: State) -> Response:
    """Prometheus' text format; needs a person's token, as ``Authorization: Bearer``."""
    # Loaded by whoever is asked for it: few are, and an idle server is to stay small.
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

    jobs, runners = await state.ctx.db.read(figures)
    registry = CollectorRegistry()
    open_jobs = Gauge("lazyaf_jobs", "Open jobs.", ["status"], registry=registry)
    for status in ("queued", "running"):
        open_jobs.labels(status).set(jobs.get(status, 0))
    known = Gauge("lazyaf_runners", "Known runners.", ["status"], registry=registry)
    for status in ("idle", "busy", "offline"):
        known.labels(status).set(runners.get(status, 0))
    sockets = Gauge("lazyaf_live_sockets", "Sockets on the live feed.", registry=registry)
    sockets.set(state.feed.subscriber_count)
    await _measure_disks(state, registry)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


async def _measure_disks(state: WebState, registry: CollectorRegistry) -> None:
    """What is quick to find out of the disks; what agents take is in ``/api/disk``."""
    from prometheus_client import Gauge

    use, room = state.disk_use, state.ctx.room
    database = await use.database()
    figures = {
        "lazyaf_wal_bytes": ("Size of SQLite's write-ahead log.", database["wal"]),
        "lazyaf_database_bytes": ("Size of the database without its log.", database["total"]),
        "lazyaf_disk_reserve_bytes": (
            "Below so much free space no job is given out.",
            room.reserve,
        ),
    }
    for name, (about, value) in figures.items():
        Gauge(name, about, registry=registry).set(value)
    sizes = Gauge(
        "lazyaf_repository_bytes", "Size of a repository's objects.", ["repo"], registry=registry
    )
    for repository in await use.repositories():
        sizes.labels(repository["name"] or repository["id"]).set(repository["bytes"])
    free = Gauge("lazyaf_disk_free_bytes", "Free space of a disk.", ["folder"], registry=registry)
    total = Gauge("lazyaf_disk_total_bytes", "Size of a disk.", ["folder"], registry=registry)
    for disk in use.disks():
        free.labels(disk["folders"][0]).set(disk["free"])
        total.labels(disk["folders"][0]).set(disk["total"])


@router.get("/api/disk", response_model=schemas.DiskUse)
async def disk(state: State) -> dict[str, Any]:
    """What LazyAF takes of the disks and what is left, at most half a minute old."""
    return await state.disk_use.everything()


@router.post("/api/gc", response_model=schemas.Collected)
async def collect(state: State, body: schemas.CollectRequest) -> dict[str, Any]:
    """Remove what nobody will come back for, and tell it; with ``dry_run`` only tell it. What holds work
    that is nowhere else stays."""
    found = await state.collector.collect(dry_run=body.dry_run)
    return {"dry_run": body.dry_run, "items": [asdict(leftover) for leftover in found]}


@router.get("/api/agents", response_model=schemas.AgentList)
async def agents(state: State) -> dict[str, Any]:
    """The agents that can be driven here; what is missing and how to fix it."""
    return {"items": await state.offers()}


@router.post("/api/agents/{name}/test", response_model=schemas.AgentTrial)
async def post_agent_test(state: State, person: Person, name: str) -> dict[str, Any]:
    """Ask the agent's model for one word, from this machine and with the key that jobs get. It may cost as
    much as that."""
    return await state.trial(name)


@router.post("/api/demo", status_code=201, response_model=schemas.DemoMade)
async def demo(state: State) -> dict[str, Any]:
    """Make a sample repository and start a card in it with the scripted agent; needs no key."""
    return await state.demo()


@router.get("/api/settings", response_model=schemas.Settings)
async def get_settings(state: State) -> dict[str, Any]:
    """The server's settings and where it keeps its things."""
    return _settings(state, await state.ctx.db.read(show_settings))


@router.patch("/api/settings", response_model=schemas.Settings)
async def patch_settings(
    state: State, person: Person, patch: schemas.SettingsPatch
) -> dict[str, Any]:
    """Change the server's settings."""
    changes = patch.model_dump(exclude_unset=True)
    return _settings(state, await state.ctx.db.write(edit_settings, changes, person))


def _settings(state: WebState, shown: dict[str, Any]) -> dict[str, Any]:
    config = state.config
    return {
        **shown,
        "version": config.version,
        "data_dir": config.data_dir,
        "database": config.database,
        "auth": config.auth,
        "attachments": asdict(state.ctx.attachments.limits),
    }
