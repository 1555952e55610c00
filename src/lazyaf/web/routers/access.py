"""Who may come in: signing in and out, the password, and tokens for programs."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request, Response

from lazyaf.services.tokens import fresh_secret, make_token, show_tokens
from lazyaf.web import schemas
from lazyaf.web.auth import State, address_of, token_of
from lazyaf.web.browsers import browser_name
from lazyaf.web.errors import PROBLEMS
from lazyaf.web.paging import TokenId

router = APIRouter(prefix="/api", tags=["access"], responses=PROBLEMS)

_COUNTED: Final[dict[int | str, dict[str, Any]]] = {
    429: {
        "model": schemas.Problem,
        "description": "Too many passwords were tried; `Retry-After` says when to try again.",
    }
}


@router.post("/auth/codes", status_code=201, response_model=schemas.Code)
async def post_code(state: State) -> schemas.Code:
    """A one-time link for a browser; the code travels in the fragment, so no log ever sees it."""
    code = state.credentials.new_code()
    return schemas.Code(code=code, url=f"{state.config.base_url}/#code={code}")


@router.post("/auth/exchange", response_model=schemas.BrowserToken)
async def exchange(
    request: Request, state: State, body: schemas.CodeRequest
) -> schemas.BrowserToken:
    """A browser's session for a one-time code."""
    token = await state.credentials.exchange(body.code, _browser(request))
    return schemas.BrowserToken(token=token)


@router.post("/auth/login", response_model=schemas.BrowserToken, responses=_COUNTED)
async def login(request: Request, state: State, body: schemas.LoginRequest) -> schemas.BrowserToken:
    """A session for the password. Wrong ones are counted, per address and altogether."""
    token = await state.credentials.login(body.password, address_of(request), _browser(request))
    return schemas.BrowserToken(token=token)


@router.post("/auth/logout", status_code=204)
async def logout(request: Request, state: State) -> Response:
    """End the session that asks. Tokens of another kind stay good; revoke them by their id."""
    known = token_of(request)
    if known is not None:
        await state.credentials.logout(known)
    return Response(status_code=204)


@router.put("/auth/password", status_code=204, responses=_COUNTED)
async def put_password(request: Request, state: State, body: schemas.PasswordRequest) -> Response:
    """Set or change the password, which ends every session, this one as well."""
    await state.credentials.change_password(
        body.password, body.current, token_of(request), address_of(request)
    )
    return Response(status_code=204)


@router.get("/tokens", response_model=schemas.Page[schemas.Token])
async def get_tokens(request: Request, state: State) -> dict[str, Any]:
    """Every token and session, without its text."""
    ctx, known = state.ctx, token_of(request)
    own = known.id if known is not None else None
    return {"items": await ctx.db.read(show_tokens, ctx.clock.now(), own), "next_cursor": None}


@router.post("/tokens", status_code=201, response_model=schemas.NewToken)
async def post_token(state: State, body: schemas.TokenRequest) -> dict[str, Any]:
    """A token for a person's own programs and for git; its text is in this answer and nowhere else."""
    ctx = state.ctx
    secret = fresh_secret("person")
    return await ctx.db.write(
        make_token, ctx.new_id(), "person", body.name, secret, ctx.clock.now()
    )


@router.delete("/tokens/{token_id}", status_code=204)
async def delete_token(state: State, token_id: TokenId) -> Response:
    """Make a token or session useless at once; what it has open is closed."""
    await state.credentials.revoke(token_id)
    return Response(status_code=204)


def _browser(request: Request) -> str:
    return browser_name(request.headers.get("user-agent", ""))
