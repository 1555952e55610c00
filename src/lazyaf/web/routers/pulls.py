"""Pull requests of cards, and the token of the forge that they are opened on."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from lazyaf.services import forge_token, pull_request
from lazyaf.services.decide_card import close_card
from lazyaf.services.land_branch import Seen
from lazyaf.services.pull_request import Wanted
from lazyaf.web import schemas
from lazyaf.web.auth import Person, State
from lazyaf.web.errors import PROBLEMS
from lazyaf.web.paging import CardId, RepoKey

router = APIRouter(prefix="/api", responses=PROBLEMS)


@router.get("/cards/{card_id}/pull-request", response_model=schemas.PullDraft, tags=["cards"])
async def get_draft(state: State, card_id: CardId) -> dict[str, Any]:
    """What the card's pull request would say, and whether the server can open it. Asks no forge."""
    return await pull_request.draft_pull(state.ctx, card_id)


@router.post("/cards/{card_id}/pull-request", response_model=schemas.Card, tags=["cards"])
async def post_pull(
    state: State, person: Person, card_id: CardId, body: schemas.PullRequestBody | None = None
) -> dict[str, Any]:
    """Push the card's branch to the real remote and open its pull request; the open one if there is
    one."""
    wanted = Wanted() if body is None else _wanted(body)
    return await pull_request.open_pull_request(state.ctx, card_id, wanted, person)


def _wanted(body: schemas.PullRequestBody) -> Wanted:
    seen = None if body.seen is None else Seen(body.seen.sha, body.seen.remote_sha)
    return Wanted(body.title, body.body, body.base, body.push, seen)


@router.post("/cards/{card_id}/pull-request/refresh", response_model=schemas.Card, tags=["cards"])
async def post_refresh(state: State, person: Person, card_id: CardId) -> dict[str, Any]:
    """Ask the forge now how far the card's pull request is."""
    return await pull_request.refresh_pull(state.ctx, card_id, person)


@router.post("/cards/{card_id}/close", response_model=schemas.Card, tags=["cards"])
async def post_close(state: State, person: Person, card_id: CardId) -> dict[str, Any]:
    """Close a card in review whose pull request was merged on its forge. Merges nothing here."""
    return await close_card(state.ctx, card_id, person)


@router.put("/repos/{repo_id}/forge-token", response_model=schemas.Repo, tags=["repositories"])
async def put_token(
    state: State, person: Person, repo_id: RepoKey, body: schemas.ForgeToken
) -> dict[str, Any]:
    """Keep a token for the repository's forge, in place of the one before. No answer ever holds it."""
    token = body.token.get_secret_value()
    return await forge_token.keep_token(state.ctx, repo_id, token, person)


@router.delete("/repos/{repo_id}/forge-token", status_code=204, tags=["repositories"])
async def delete_token(state: State, person: Person, repo_id: RepoKey) -> Response:
    """Forget it."""
    await forge_token.forget_token(state.ctx, repo_id, person)
    return Response(status_code=204)


@router.post(
    "/repos/{repo_id}/forge-token/test", response_model=schemas.TokenTried, tags=["repositories"]
)
async def post_test(state: State, _person: Person, repo_id: RepoKey) -> dict[str, Any]:
    """Ask the forge what the kept token sees of the repository."""
    return await forge_token.try_token(state.ctx, repo_id)
