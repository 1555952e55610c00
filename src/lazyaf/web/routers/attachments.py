"""Files attached to a card: sent and fetched as they are, a stream each way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse
from starlette.requests import ClientDisconnect

from lazyaf.domain.attachments import PICTURES, UNKNOWN
from lazyaf.domain.errors import BadRequest
from lazyaf.services import attachments
from lazyaf.services.attachments import Kept
from lazyaf.web import schemas
from lazyaf.web.auth import Person, State
from lazyaf.web.errors import PROBLEMS
from lazyaf.web.paging import CardId
from lazyaf.web.sealed import SEALED, sealed_bytes

router = APIRouter(prefix="/api", tags=["attached files"], responses=PROBLEMS)

AttachmentId = Annotated[str, Path(alias="attachment_id")]

RAW: Final = {
    "requestBody": {
        "required": True,
        "content": {UNKNOWN: {"schema": {"type": "string", "format": "binary"}}},
    }
}
BYTES: Final = sealed_bytes(
    "The file. PNG, JPEG, GIF and WebP come as what they are, everything else as a download without a type."
)


@router.get("/cards/{card_id}/attachments", response_model=schemas.AttachmentList)
async def get_attachments(state: State, card_id: CardId) -> dict[str, Any]:
    """A card's files, the oldest first, and what it may have."""
    limits = state.ctx.attachments.limits
    return await state.ctx.db.read(attachments.show_attachments, card_id, limits)


@router.post(
    "/cards/{card_id}/attachments",
    status_code=201,
    response_model=schemas.Attachment,
    responses={413: {"model": schemas.Problem, "description": "More than a card may have."}},
    openapi_extra=RAW,
)
async def post_attachment(
    request: Request,
    state: State,
    person: Person,
    card_id: CardId,
    name: Annotated[str, Query(min_length=1, max_length=1000)],
) -> dict[str, Any]:
    """Attach the body under this name. A card's agent gets its files when it starts next. What the card has
    already is not attached twice."""
    length = int(request.headers.get("content-length", "0"))
    try:
        return await attachments.attach(state.ctx, card_id, name, length, _chunks(request), person)
    except ClientDisconnect:
        raise BadRequest("The file broke off before all of it had come. Send it again.") from None


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    async for chunk in request.stream():
        if chunk:
            yield chunk


@router.get(
    "/attachments/{attachment_id}",
    response_class=FileResponse,
    response_model=None,
    responses=BYTES,
)
async def get_attachment(state: State, attachment_id: AttachmentId) -> Response:
    """The file itself."""
    kept = await attachments.open_attachment(state.ctx, attachment_id)
    is_picture = kept.row.media_type in PICTURES
    return file_response(kept, kept.row.media_type if is_picture else UNKNOWN, inline=is_picture)


@router.delete("/attachments/{attachment_id}", status_code=204)
async def delete_attachment(state: State, person: Person, attachment_id: AttachmentId) -> Response:
    """Remove the file from its card. An agent at work keeps what it was given."""
    await state.ctx.db.write(attachments.detach, attachment_id, person)
    return Response(status_code=204)


def file_response(kept: Kept, media_type: str, *, inline: bool = False) -> FileResponse:
    """The file as it leaves, never as a page."""
    return FileResponse(
        kept.path,
        media_type=media_type,
        filename=kept.row.name,
        content_disposition_type="inline" if inline else "attachment",
        headers=SEALED,
    )
