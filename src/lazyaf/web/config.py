"""What `main` tells the transport, and what every route can reach."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fastapi import FastAPI
from starlette.requests import HTTPConnection

from lazyaf.domain.ports import Pool
from lazyaf.services.collect import Collector
from lazyaf.services.context import Context
from lazyaf.services.disk_use import DiskUse
from lazyaf.web.board_cache import BoardCache
from lazyaf.web.credentials import Credentials
from lazyaf.web.feed import EventFeed
from lazyaf.web.progress import ProgressThrottle

Offers = Callable[[], Awaitable[list[dict[str, Any]]]]
Trial = Callable[[str], Awaitable[dict[str, Any]]]
Demo = Callable[[], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class WebConfig:
    """The transport's settings. ``dist`` is where the built UI is; ``public_origin`` the one that
    browsers see when a proxy stands before the server."""

    auth: Literal["token", "off"]
    version: str
    data_dir: str
    database: str
    base_url: str
    allowed_hosts: Sequence[str]
    cors_origins: Sequence[str]
    dist: Path
    public_origin: str | None = None


@dataclass(frozen=True, slots=True)
class WebState:
    """Everything that a route may use."""

    ctx: Context
    config: WebConfig
    credentials: Credentials
    feed: EventFeed
    boards: BoardCache
    progress: ProgressThrottle
    pools: Sequence[Pool]
    offers: Offers
    trial: Trial
    demo: Demo
    disk_use: DiskUse
    collector: Collector


async def provide_state(connection: HTTPConnection) -> WebState:
    """`state_of` as a dependency; a coroutine, because FastAPI runs plain functions in a thread."""
    return state_of(connection)


def state_of(connection: HTTPConnection) -> WebState:
    """The state of the app that serves this connection."""
    app: FastAPI = connection.app
    state: WebState = app.state.lazyaf
    return state
