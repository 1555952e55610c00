"""Who a request comes from: tokens of people and runners, credentials of jobs (rules.md R4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from lazyaf.domain.errors import Invalid, NotFound, Unauthenticated
from lazyaf.services.credentials import digest, new_token
from lazyaf.store.jobs import AttemptRow, attempt_by_git, get_job
from lazyaf.store.tokens import (
    TokenRow,
    find_token,
    insert_token,
    list_tokens,
    remove_expired,
    remove_token,
    touch_token,
)
from lazyaf.store.tx import Tx

Kind = Literal["person", "session", "runner"]

PREFIXES: Final[dict[Kind, str]] = {"person": "laf", "session": "lafs", "runner": "lafr"}
PEOPLE: Final = ("person", "session")
"""Whoever has one of these is the person."""


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A token that was recognised: whose kind it is."""

    id: str
    kind: str
    name: str
    expires_at: str | None = None


@dataclass(frozen=True, slots=True)
class GitGrant:
    """What a git credential may do: a person everything, an attempt its own repository and refs."""

    kind: Literal["person", "job"]
    repo_id: str | None = None
    job_id: str | None = None
    attempt: int = 0
    is_live: bool = True


def authenticate(tx: Tx, token: str, now: str) -> KnownToken:
    """The known token with this text, or `Unauthenticated`."""
    found = find_token(tx, digest(token))
    if found is None or is_over(found, now):
        raise unknown_token()
    return KnownToken(found.id, found.kind, found.name, found.expires_at)


def is_over(token: TokenRow | KnownToken, now: str) -> bool:
    """Whether its time has passed."""
    return token.expires_at is not None and token.expires_at <= now


def unknown_token() -> Unauthenticated:
    """The refusal of a token that never was, was revoked or has expired."""
    return Unauthenticated(
        "This token is not known (any more). Sign in again: with `lazyaf open`, or with the password."
    )


def note_use(tx: Tx, token_id: str, now: str, expires_at: str | None) -> None:
    """Remember that a token was used; a session is good for longer by that."""
    touch_token(tx, token_id, now, expires_at)


def authenticate_git(tx: Tx, password: str, ended_after: str) -> GitGrant:
    """What this git password is good for, or `Unauthenticated`. That of an attempt which ended before
    ``ended_after`` is forgotten."""
    hashed = digest(password)
    attempt = attempt_by_git(tx, hashed)
    if attempt is not None and (attempt.ended_at is None or attempt.ended_at > ended_after):
        return _grant(tx, attempt)
    token = find_token(tx, hashed)
    if token is None or token.kind != "person":
        raise Unauthenticated(
            "This git password is not known. Use a person's token as the password; `lazyaf ingest` does."
        )
    return GitGrant("person")


def _grant(tx: Tx, attempt: AttemptRow) -> GitGrant:
    job = get_job(tx, attempt.job_id)
    return GitGrant("job", job.repo_id, job.id, attempt.attempt, attempt.state == "live")


def is_attempt_live(tx: Tx, password: str) -> bool:
    """Whether the attempt that this git password was made for still holds its lease."""
    attempt = attempt_by_git(tx, digest(password))
    return attempt is not None and attempt.state == "live"


def make_token(
    tx: Tx, token_id: str, kind: Literal["person", "runner"], name: str, secret: str, now: str
) -> dict[str, Any]:
    """Store a token; the only answer that ever shows its text."""
    if not name.strip():
        raise Invalid.field("name", "Give the token a name, so that you know it again.")
    insert_token(
        tx, token_id=token_id, kind=kind, name=name.strip(), digest=digest(secret), created_at=now
    )
    return {"id": token_id, "kind": kind, "name": name.strip(), "created_at": now, "token": secret}


def begin_session(tx: Tx, token_id: str, name: str, secret: str, now: str, expires_at: str) -> None:
    """Store a browser's token, and forget those whose time has passed."""
    remove_expired(tx, now)
    insert_token(
        tx,
        token_id=token_id,
        kind="session",
        name=name,
        digest=digest(secret),
        created_at=now,
        expires_at=expires_at,
    )


def fresh_secret(kind: Kind) -> str:
    """A new token's text; the prefix lets scanners and people recognise it."""
    return new_token(PREFIXES[kind])


def ensure_token(
    tx: Tx, token_id: str, kind: Literal["person", "runner"], name: str, secret: str, now: str
) -> str:
    """The id of the token with this text, storing it when it is not known; at start."""
    found = find_token(tx, digest(secret))
    if found is not None:
        return found.id
    insert_token(tx, token_id=token_id, kind=kind, name=name, digest=digest(secret), created_at=now)
    return token_id


def show_tokens(tx: Tx, now: str, own: str | None) -> list[dict[str, Any]]:
    """Every token without its text; ``own`` is the id of the one that asks."""
    return [
        {
            "id": token.id,
            "kind": token.kind,
            "name": token.name,
            "created_at": token.created_at,
            "last_used_at": token.last_used_at,
            "expires_at": token.expires_at,
            "is_own": token.id == own,
        }
        for token in list_tokens(tx)
        if not is_over(token, now) and token.for_runner is None
    ]


def revoke_token(tx: Tx, token_id: str) -> None:
    """Make a token useless at once."""
    if not remove_token(tx, token_id):
        raise NotFound(f"There is no token {token_id}.")
