"""Card templates that a repository carries."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from lazyaf.services.card_templates import list_templates
from lazyaf.web import schemas
from lazyaf.web.auth import State
from lazyaf.web.errors import PROBLEMS
from lazyaf.web.paging import RepoKey

router = APIRouter(prefix="/api/repos/{repo_id}", tags=["cards"], responses=PROBLEMS)


@router.get("/templates", response_model=schemas.Page[schemas.CardTemplate])
async def get_templates(state: State, repo_id: RepoKey) -> dict[str, Any]:
    """The Markdown files in ``.lazyaf/templates`` at the tip of the default branch: what a new card can
    begin with."""
    return {"items": await list_templates(state.ctx, repo_id), "next_cursor": None}
