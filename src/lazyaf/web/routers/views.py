"""Saved views: filters of a board that have a name."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from lazyaf.services import saved_views
from lazyaf.web import schemas
from lazyaf.web.auth import Person, State
from lazyaf.web.errors import PROBLEMS

router = APIRouter(prefix="/api/views", tags=["cards"], responses=PROBLEMS)

ViewId = Annotated[str, Path(max_length=100)]


@router.get("", response_model=schemas.Page[schemas.SavedView])
async def get_views(state: State) -> dict[str, Any]:
    """Those of every board, by name."""
    return {"items": await state.ctx.db.read(saved_views.show_views), "next_cursor": None}


@router.post("", status_code=201, response_model=schemas.SavedView)
async def post_view(state: State, person: Person, new: schemas.NewView) -> dict[str, Any]:
    """Keep a filter under a name that is free on its board."""
    ctx = state.ctx
    return await ctx.db.write(
        saved_views.save_view,
        ctx.new_id(),
        new.repo,
        new.name,
        new.query,
        person,
        ctx.clock.now(),
    )


@router.patch("/{view_id}", response_model=schemas.SavedView)
async def patch_view(
    state: State, person: Person, view_id: ViewId, patch: schemas.ViewPatch
) -> dict[str, Any]:
    """Give it another name or another filter."""
    changes = patch.model_dump(exclude_none=True)
    return await state.ctx.db.write(saved_views.edit_view, view_id, changes, person)


@router.delete("/{view_id}", status_code=204)
async def delete_view(state: State, person: Person, view_id: ViewId) -> Response:
    """Forget it; no card changes."""
    await state.ctx.db.write(saved_views.delete_view, view_id, person)
    return Response(status_code=204)
