"""Cards: the board's lists and the commands of people."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from lazyaf.domain.cards import Archived, CardCommand, CardStatus
from lazyaf.domain.errors import BadRequest
from lazyaf.services import cards, list_cards
from lazyaf.services.approve_card import approve_card
from lazyaf.services.archive_card import archive_card, archive_done, unarchive_card
from lazyaf.services.cancel_job import cancel_card
from lazyaf.services.card_conflicts import card_conflicts
from lazyaf.services.decide_card import reject_card, reopen_card
from lazyaf.services.duplicate_card import duplicate_card
from lazyaf.services.inspect_repo import card_diff
from lazyaf.services.move_card import move_card
from lazyaf.services.recovered_work import discard_recovered, list_recovered, use_recovered
from lazyaf.services.repositories import find_repo
from lazyaf.services.resolve_conflicts import resolve_conflicts
from lazyaf.services.restore_branch import restore_branch
from lazyaf.services.start_card import RunRequest, start_card
from lazyaf.services.update_branch import update_branch
from lazyaf.services.views import card_view
from lazyaf.web import schemas
from lazyaf.web.auth import Person, State, actor_of
from lazyaf.web.board_cache import ALL, respond
from lazyaf.web.config import state_of
from lazyaf.web.direct import DirectRoute, body_of, described, parse
from lazyaf.web.errors import PROBLEMS
from lazyaf.web.paging import (
    IF_MATCH,
    CardId,
    Cursor,
    FilePath,
    Limit,
    RepoKey,
    decode_cursor,
    encode_cursor,
    number_cursor,
    seen_version,
)
from lazyaf.web.ready_json import ready_json

router = APIRouter(prefix="/api", tags=["cards"], responses=PROBLEMS)
direct = APIRouter(prefix="/api", tags=["cards"], responses=PROBLEMS, route_class=DirectRoute)
"""After which a runner is to have a job at once."""

Since = Annotated[str | None, Query(pattern=r"^[0-9a-f]{40}$", description="An earlier head.")]
Word = Annotated[str | None, Field(max_length=200, pattern=r"^[^\x00]*$")]


class CardQuery(BaseModel):
    """Which cards to list. One model: each parameter of its own would cost what this costs whole."""

    status: list[CardStatus] | None = Field(None, description="Any of these.")
    label: Word = None
    agent: Word = None
    q: Word = Field(None, description="Looked for in title and number.")
    archived: Archived = Field(Archived.EXCLUDE, description="Whether archived ones are shown.")
    limit: int = Field(100, ge=1, le=1000, description="How many items a page has.")
    cursor: str | None = Field(
        None, max_length=1000, description="`next_cursor` of the page before."
    )


@router.get("/repos/{repo_id}/cards", response_model=schemas.CardPage)
async def get_cards(
    request: Request, repo_id: RepoKey, asked: Annotated[CardQuery, Query()]
) -> Response:
    """A repository's cards by position. Unchanged lists cost nothing: send ``If-None-Match``."""
    state = state_of(request)
    ids = state.boards.ids
    if repo_id not in ids:
        ids[repo_id] = (await state.ctx.db.read(find_repo, repo_id)).id
    return await _listed(request, ids[repo_id], asked)


@router.get("/cards", response_model=schemas.CardPage)
async def get_all_cards(request: Request, asked: Annotated[CardQuery, Query()]) -> Response:
    """The cards of every repository by position; a column has one scale for all of them."""
    return await _listed(request, ALL, asked)


async def _listed(request: Request, board: str, asked: CardQuery) -> Response:
    """A page of a repository's board, or of that of all."""
    state = state_of(request)
    boards, db = state.boards, state.ctx.db
    query = request.url.query
    known = boards.find(board, query)
    if known is None:
        version = boards.version(board)
        wanted = list_cards.Wanted(
            repo_id=board or None,
            statuses=tuple(status.value for status in asked.status or ()),
            label=asked.label,
            agent=asked.agent,
            text=asked.q,
            archived=asked.archived,
            after=_position(asked.cursor),
            limit=asked.limit,
        )
        body = await db.read(list_cards.board_page, wanted, state.ctx.epoch, encode_cursor)
        known = boards.put(board, query, version, body)
    return await respond(request, known)


def _position(cursor: str | None) -> tuple[float, str] | None:
    value = decode_cursor(cursor)
    if value is None:
        return None
    match value:
        case [int() | float() as position, str() as card_id] if abs(position) < 1e300:
            return float(position), card_id
        case _:
            raise BadRequest("This cursor is not one of this list. Begin without one.")


@router.get("/repos/{repo_id}/queue", response_model=schemas.Page[schemas.Waiting])
async def get_queue(
    state: State, repo_id: RepoKey, limit: Limit = 100, cursor: Cursor = None
) -> dict[str, Any]:
    """Where a repository's queued cards stand and what holds them. It changes with every job of every
    repository, and no event tells each card's."""
    items, after = await state.ctx.db.read(
        list_cards.queue_of, repo_id, number_cursor(cursor), limit
    )
    return {"items": items, "next_cursor": encode_cursor(after)}


@router.get("/queue", response_model=schemas.Page[schemas.Waiting])
async def get_whole_queue(
    state: State, limit: Limit = 100, cursor: Cursor = None
) -> dict[str, Any]:
    """The same for the queued cards of every repository."""
    items, after = await state.ctx.db.read(list_cards.queue_of, None, number_cursor(cursor), limit)
    return {"items": items, "next_cursor": encode_cursor(after)}


@router.post("/repos/{repo_id}/cards", status_code=201, response_model=schemas.Card)
async def post_card(
    state: State, person: Person, repo_id: RepoKey, new: schemas.NewCard
) -> dict[str, Any]:
    """Make a card at the top of To Do, or start it at once."""
    ctx = state.ctx
    repo = await ctx.db.read(find_repo, repo_id)
    fields = cards.NewCard(**new.model_dump(exclude={"start"}))
    card_id = ctx.new_id()
    card = await ctx.db.write(cards.create_card, card_id, repo.id, fields, person, ctx.clock.now())
    if new.start:
        return (await start_card(ctx, card_id, CardCommand.START, RunRequest(), person)).view
    return card


@router.post("/repos/{repo_id}/cards/archive-done", response_model=schemas.ArchivedDone)
async def post_archive_done(state: State, person: Person, repo_id: RepoKey) -> dict[str, Any]:
    """Take every card in Done off the board."""
    return {"archived": await archive_done(state.ctx, repo_id, person)}


@router.get("/cards/{card_id}", response_model=schemas.Card)
async def get_card(request: Request, card_id: CardId) -> dict[str, Any]:
    """One card in full."""
    return await state_of(request).ctx.db.read(card_view, card_id)


@router.patch("/cards/{card_id}", response_model=schemas.Card, openapi_extra=IF_MATCH)
async def patch_card(request: Request, card_id: CardId, patch: schemas.CardPatch) -> Response:
    """Change fields of a card, never its status."""
    changes = patch.model_dump(exclude_unset=True)
    ctx, actor = state_of(request).ctx, actor_of(request)
    seen, now = seen_version(request), ctx.clock.now()
    card = await ctx.db.write(cards.edit_card, card_id, changes, seen, actor, now)
    return ready_json(card.json)


@router.delete("/cards/{card_id}", status_code=204)
async def delete_card(state: State, person: Person, card_id: CardId) -> Response:
    """Delete a card; its branch stays. Refused while its job is open."""
    await state.ctx.db.write(cards.delete_card, card_id, person)
    return Response(status_code=204)


@direct.post(
    "/cards/{card_id}/start",
    response_model=schemas.Card,
    openapi_extra=described(schemas.StartRequest, required=False),
)
async def start(request: Request, card_id: CardId) -> Response:
    """Queue a job for the card; on an existing branch it continues."""
    ctx, actor = state_of(request).ctx, actor_of(request)
    body = await body_of(request, _start_request)
    card = await start_card(ctx, card_id, CardCommand.START, _run(body), actor)
    return ready_json(card.json)


def _start_request(body: bytes) -> schemas.StartRequest | None:
    return None if body.strip() in (b"", b"null") else parse(schemas.StartRequest, body)


@router.post("/cards/{card_id}/retry", response_model=schemas.Card)
async def retry(
    state: State, person: Person, card_id: CardId, body: schemas.StartRequest | None = None
) -> Response:
    """Start a failed card again; it continues where the work stands."""
    card = await start_card(state.ctx, card_id, CardCommand.RETRY, _run(body), person)
    return ready_json(card.json)


def _run(body: schemas.StartRequest | None) -> RunRequest:
    return RunRequest() if body is None else RunRequest(message=body.message, fresh=body.fresh)


@router.post("/cards/{card_id}/cancel", response_model=schemas.Card)
async def cancel(state: State, person: Person, card_id: CardId) -> dict[str, Any]:
    """Stop the card's job; the work so far is kept on the branch."""
    return await cancel_card(state.ctx, card_id, person)


@router.post("/cards/{card_id}/approve", response_model=schemas.Card)
async def approve(
    state: State, person: Person, card_id: CardId, body: schemas.ApproveRequest
) -> dict[str, Any]:
    """Merge the commit that was seen into the base branch; the card is done when this answers."""
    return await approve_card(
        state.ctx,
        card_id,
        body.head_sha,
        person,
        body.method,
        require_resolved=body.require_resolved,
    )


@router.post("/cards/{card_id}/reject", response_model=schemas.Card)
async def reject(state: State, person: Person, card_id: CardId) -> dict[str, Any]:
    """Put the card back to To Do; its work is archived and its branch stays."""
    return await reject_card(state.ctx, card_id, person)


@router.post("/cards/{card_id}/resolve-conflicts", response_model=schemas.Card)
async def resolve(
    state: State, person: Person, card_id: CardId, body: schemas.ResolveRequest | None = None
) -> Response:
    """Send the card back to its agent to settle the conflict with the base."""
    words = body.message if body else ""
    return ready_json((await resolve_conflicts(state.ctx, card_id, words, person)).json)


@router.post("/cards/{card_id}/update-branch", response_model=schemas.Card)
async def update(
    state: State, person: Person, card_id: CardId, body: schemas.UpdateRequest | None = None
) -> dict[str, Any]:
    """Bring the base into the card's branch where that is clean; the branch has another head then."""
    wanted = body or schemas.UpdateRequest()
    return await update_branch(state.ctx, card_id, wanted.method, person)


@router.post("/cards/{card_id}/reopen", response_model=schemas.Card)
async def reopen(state: State, person: Person, card_id: CardId) -> dict[str, Any]:
    """Put a done card back to To Do."""
    return await reopen_card(state.ctx, card_id, person)


@router.post("/cards/{card_id}/restore-branch", response_model=schemas.Card)
async def restore(state: State, person: Person, card_id: CardId) -> dict[str, Any]:
    """Bring the card's deleted branch back to the commit that it was at last."""
    return await restore_branch(state.ctx, card_id, person)


@router.post("/cards/{card_id}/archive", response_model=schemas.Card)
async def archive(state: State, person: Person, card_id: CardId) -> dict[str, Any]:
    """Take a done card off the board; lists show it when they are asked for archived ones."""
    ctx = state.ctx
    return await ctx.db.write(archive_card, card_id, person, ctx.clock.now())


@router.post("/cards/{card_id}/unarchive", response_model=schemas.Card)
async def unarchive(state: State, person: Person, card_id: CardId) -> dict[str, Any]:
    """Bring an archived card back to its place in Done."""
    ctx = state.ctx
    return await ctx.db.write(unarchive_card, card_id, person, ctx.clock.now())


@router.post("/cards/{card_id}/duplicate", status_code=201, response_model=schemas.Card)
async def duplicate(state: State, person: Person, card_id: CardId) -> dict[str, Any]:
    """Make a card that says the same and has the same files, at the top of To Do."""
    ctx = state.ctx
    return await ctx.db.write(duplicate_card, card_id, ctx.new_id, person, ctx.clock.now())


@router.post("/cards/{card_id}/move", response_model=schemas.Card)
async def move(
    state: State, person: Person, card_id: CardId, body: schemas.MoveRequest
) -> dict[str, Any]:
    """A drop: on another column it is that column's command, within one a new place."""
    status = body.status.value if body.status is not None else None
    return await move_card(state.ctx, card_id, status, body.before, body.after, person)


@router.get("/cards/{card_id}/diff", response_model=schemas.Diff)
async def get_diff(
    state: State,
    card_id: CardId,
    path: FilePath = None,
    cursor: Cursor = None,
    since: Since = None,
) -> dict[str, Any]:
    """What the card's branch changes since it left its base, and whether it merges; or what it changes since
    an earlier commit of it, and nothing of what its base brought in between."""
    found = await card_diff(state.ctx, card_id, path, number_cursor(cursor), since)
    return {**found, "next_cursor": encode_cursor(found["next_cursor"])}


@router.get("/cards/{card_id}/conflicts", response_model=schemas.Conflicts)
async def get_conflicts(state: State, card_id: CardId) -> dict[str, Any]:
    """What stands in the way of a card in review: files of its base, other cards."""
    return await state.ctx.db.read(card_conflicts, card_id, state.config.base_url)


@router.get("/cards/{card_id}/recovered", response_model=schemas.Page[schemas.RecoveredWork])
async def get_recovered(state: State, card_id: CardId) -> dict[str, Any]:
    """Work of lost attempts that the card's branch has not, the newest attempt first."""
    return {"items": await list_recovered(state.ctx, card_id), "next_cursor": None}


@router.post("/cards/{card_id}/recovered/use", response_model=schemas.Card)
async def use(
    state: State, person: Person, card_id: CardId, body: schemas.RecoveredRequest
) -> dict[str, Any]:
    """Move the card's branch to recovered work; what was on it is archived."""
    return await use_recovered(state.ctx, card_id, body.sha, person)


@router.post("/cards/{card_id}/recovered/discard", status_code=204)
async def discard(
    state: State, person: Person, card_id: CardId, body: schemas.RecoveredRequest
) -> Response:
    """Show recovered work no more; it stays in the archive."""
    await discard_recovered(state.ctx, card_id, body.sha, person)
    return Response(status_code=204)


@router.get("/cards/{card_id}/jobs", response_model=schemas.Page[schemas.Job])
async def get_jobs(state: State, card_id: CardId) -> dict[str, Any]:
    """Every job of the card, newest first."""
    items = await state.ctx.db.read(list_cards.jobs_of, card_id)
    return {"items": items, "next_cursor": None}
