"""Runners for people: the panel, scaling, and how to add one elsewhere."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from lazyaf.domain.errors import Invalid
from lazyaf.domain.ports import Pool
from lazyaf.domain.runners import PoolKind
from lazyaf.services.runner_panel import note_remade, note_scaled, panel
from lazyaf.services.tokens import fresh_secret, make_token
from lazyaf.web import runner_command, schemas
from lazyaf.web.auth import Person, State
from lazyaf.web.config import WebState
from lazyaf.web.errors import PROBLEMS

router = APIRouter(prefix="/api/runners", tags=["runners"], responses=PROBLEMS)


@router.get("", response_model=schemas.RunnerList)
async def get_runners(state: State) -> dict[str, Any]:
    """Every runner that is known, and the pools they come from."""
    return await _panel(state)


async def _panel(state: WebState) -> dict[str, Any]:
    event_id, items = await state.ctx.db.read(panel)
    pools = [pool.describe() for pool in state.pools]
    return {
        "items": items,
        "pools": pools,
        "warning": state.ctx.room.warning(),
        "cursor": state.feed.cursor(event_id),
    }


@router.post("/scale", response_model=schemas.RunnerList)
async def scale(state: State, person: Person, body: schemas.ScaleRequest) -> dict[str, Any]:
    """Ask a pool for this many runners; surplus ones finish their job first."""
    pool = _pool(state, body.pool)
    await pool.scale(body.count, now=body.now)
    await state.ctx.db.write(note_scaled, pool.kind.value, body.count, person)
    return await _panel(state)


@router.patch("/pools/{kind}", response_model=schemas.RunnerList)
async def patch_pool(
    state: State, person: Person, kind: PoolKind, patch: schemas.PoolPatch
) -> dict[str, Any]:
    """Choose image and limits of a pool's containers. They count for containers made from now on."""
    changes = patch.model_dump(exclude_unset=True)
    pool = _pool(state, kind)
    await pool.remake(changes)
    await state.ctx.db.write(note_remade, pool.kind.value, changes, person)
    return await _panel(state)


def _pool(state: WebState, kind: PoolKind | None) -> Pool:
    """The pool of this kind, or the only one there is."""
    found = [pool for pool in state.pools if kind in (None, pool.kind)]
    if len(found) != 1:
        kinds = ", ".join(pool.kind.value for pool in state.pools) or "none"
        asked = "Name the pool." if kind is None else f"There is no pool “{kind.value}” here."
        raise Invalid.field("pool", f"{asked} Pools of this server: {kinds}.")
    return found[0]


@router.get("/command", response_model=schemas.RunnerCommand)
async def get_command(state: State) -> dict[str, Any]:
    """How to start a runner elsewhere. Never holds a secret: the token is a placeholder."""
    url = state.config.base_url
    return {
        "plain": runner_command.plain(url),
        "docker": runner_command.docker(url),
        "needs": runner_command.needs(url, is_public=bool(state.config.public_origin)),
    }


@router.post("/tokens", status_code=201, response_model=schemas.NewToken)
async def post_token(state: State, body: schemas.TokenRequest) -> dict[str, Any]:
    """A token for a runner; its text is in this answer and nowhere else."""
    ctx = state.ctx
    secret = fresh_secret("runner")
    return await ctx.db.write(
        make_token, ctx.new_id(), "runner", body.name, secret, ctx.clock.now()
    )
