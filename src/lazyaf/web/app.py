"""Puts the routes together. `lazyaf.main` makes the state and runs the result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request as StarletteRequest
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette_compress import CompressMiddleware

from lazyaf.domain.errors import NotFound
from lazyaf.web import errors, git_http, live
from lazyaf.web.auth import Authenticator
from lazyaf.web.config import WebState
from lazyaf.web.frontend import Frontend
from lazyaf.web.gatekeeper import Gatekeeper
from lazyaf.web.routers import (
    access,
    attachments,
    cards,
    checks,
    jobs,
    pulls,
    remotes,
    repos,
    review,
    runner_v1,
    runners,
    secrets,
    system,
    templates,
    views,
)

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

DESCRIPTION: Final = """\
A card becomes a job, a job becomes a branch, a person reviews the branch, and nothing is lost.

Every route but `/api/health`, `/api/auth/login` and `/api/auth/exchange` needs a token:
`Authorization: Bearer …`.
Errors are RFC 9457 `application/problem+json` with a stable `code`.
"""

METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
UNCOMPRESSED: Final = ("/git/", "/_app/", "/api/attachments/")
"""Packs and pictures are compressed already, and the built UI compresses itself once."""


def create_app(state: WebState, lifespan: Lifespan | None = None) -> FastAPI:
    """The application over this state."""
    app = FastAPI(
        title="LazyAF",
        version=state.config.version,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # /metrics is ours
    )
    app.state.lazyaf = state
    errors.install(app)
    # One flat list, the busiest first: they are tried in this order, and a router that is included
    # is one more step for every request.
    for router in (
        runner_v1.direct,
        cards.direct,
        cards.router,
        runner_v1.router,
        jobs.router,
        attachments.router,
        repos.router,
        remotes.router,
        checks.router,
        pulls.router,
        review.router,
        templates.router,
        views.router,
        secrets.router,
        runners.router,
        system.router,
        access.router,
        live.router,
        git_http.router,
    ):
        app.router.routes.extend(router.routes)
    _add_openapi(app)
    api = [route for route in app.routes if isinstance(route, APIRoute)]
    _add_fallbacks(app, Frontend(state.config.dist))
    _add_layers(app, state, api)
    return app


def create_runner_app(state: WebState) -> FastAPI:
    """What runners in containers reach: their protocol and git, nothing else, and never without a
    credential, whatever the server is told about people."""
    state = replace(state, config=replace(state.config, auth="token"))
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.lazyaf = state
    errors.install(app)
    for router in (runner_v1.direct, runner_v1.router, git_http.router):
        app.router.routes.extend(router.routes)
    app.add_route("/{path:path}", _nothing_here, methods=METHODS, include_in_schema=False)
    api = [route for route in app.routes if isinstance(route, APIRoute)]
    app.add_middleware(Authenticator, state=state, routes=api)
    app.add_middleware(Gatekeeper, allowed_hosts=None, cors_origins=())
    return app


async def _nothing_here(request: Request) -> Response:
    raise NotFound(f"There is no endpoint {request.method} {request.url.path} for runners.")


def _add_openapi(app: FastAPI) -> None:
    """The API's own description; it needs a token like everything else."""

    async def openapi() -> JSONResponse:
        return JSONResponse(await asyncio.to_thread(app.openapi))

    app.add_api_route("/api/openapi.json", openapi, include_in_schema=False)


def _add_fallbacks(app: FastAPI, frontend: Frontend) -> None:
    """Unknown paths of the API and of git are 404 in JSON; every other GET is the UI's."""

    async def no_endpoint(request: Request) -> Response:
        allowed = _methods(app, request.url.path)
        if allowed:
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(allowed))})
        raise NotFound(f"There is no endpoint {request.method} {request.url.path}.")

    async def ui(request: StarletteRequest) -> Response:
        return await frontend.serve(request)

    for prefix in ("api", "git", "ws", "metrics"):
        app.add_route(f"/{prefix}", no_endpoint, methods=METHODS, include_in_schema=False)
        app.add_route(
            f"/{prefix}/{{rest:path}}", no_endpoint, methods=METHODS, include_in_schema=False
        )
    app.add_route("/{path:path}", ui, methods=["GET", "HEAD"], include_in_schema=False)


def _methods(app: FastAPI, path: str) -> set[str]:
    """The methods that this path has, when it has others than the one that was asked."""
    return {
        method
        for route in app.routes
        if isinstance(route, APIRoute) and route.path_regex.match(path)
        for method in route.methods or ()
    }


def _add_layers(app: FastAPI, state: WebState, api: Sequence[BaseRoute]) -> None:
    """The last one added is the outermost. A preflight has no credential: CORS comes before them."""
    app.add_middleware(SelectiveCompression)
    app.add_middleware(Authenticator, state=state, routes=api)
    if state.config.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(state.config.cors_origins),
            allow_methods=["*"],
            allow_headers=["Authorization", "Content-Type", "If-Match"],
        )
    app.add_middleware(
        Gatekeeper,
        allowed_hosts=state.config.allowed_hosts,
        cors_origins=state.config.cors_origins,
        public_origin=state.config.public_origin,
    )


class SelectiveCompression:
    """Compresses answers, except where that was done before."""

    def __init__(self, app: ASGIApp) -> None:
        self._plain = app
        self._compressing = CompressMiddleware(
            app, minimum_size=1000, zstd_level=3, brotli_quality=1, gzip_level=1
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Choose the way."""
        # What changes something answers with one thing, too small to be worth a compressor.
        is_plain = (
            scope["type"] != "http"
            or scope["method"] != "GET"
            or scope["path"].startswith(UNCOMPRESSED)
        )
        await (self._plain if is_plain else self._compressing)(scope, receive, send)
