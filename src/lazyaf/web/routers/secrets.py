"""A repository's secrets for its setup command: set and deleted by name, never read."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from lazyaf.services import secrets
from lazyaf.web import schemas
from lazyaf.web.auth import Person, State
from lazyaf.web.errors import PROBLEMS
from lazyaf.web.paging import RepoKey

router = APIRouter(prefix="/api/repos/{repo_id}/secrets", tags=["repositories"], responses=PROBLEMS)

Name = Annotated[str, Path(max_length=100)]


@router.get("", response_model=schemas.SecretList)
async def get_secrets(state: State, repo_id: RepoKey) -> dict[str, Any]:
    """Their names. No answer ever holds a value."""
    return {"items": await state.ctx.db.read(secrets.show_secrets, repo_id)}


@router.put("/{name}", response_model=schemas.Secret)
async def put_secret(
    state: State, person: Person, repo_id: RepoKey, name: Name, body: schemas.SecretValue
) -> dict[str, Any]:
    """Keep a value under this name, in place of the one that it had."""
    value = body.value.get_secret_value()
    return await secrets.set_secret(state.ctx, repo_id, name, value, person)


@router.delete("/{name}", status_code=204)
async def delete_secret(state: State, person: Person, repo_id: RepoKey, name: Name) -> Response:
    """Forget it."""
    await state.ctx.db.write(secrets.delete_secret, repo_id, name, person)
    return Response(status_code=204)
