"""Tokens of people and runners, and sessions of browsers: only their hashes are kept."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, func, insert, select, update

from lazyaf.store.tables import tokens
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token as stored. ``kind`` is ``person``, ``session`` or ``runner``; ``hash`` is SHA-256 in
    hex; only sessions expire. One ``for_runner`` of this name is good for one registration, that of
    ``instance_id``."""

    id: str
    kind: str
    name: str
    hash: str
    created_at: str
    last_used_at: str | None
    expires_at: str | None
    for_runner: str | None = None
    instance_id: str | None = None


_BY_HASH = select(tokens).where(tokens.c.hash == bindparam("hash"))


def find_token(tx: Tx, digest: str) -> TokenRow | None:
    """The token with this hash, if it is known."""
    row = tx.execute(_BY_HASH, {"hash": digest}).one_or_none()
    return TokenRow(**row._mapping) if row is not None else None


def list_tokens(tx: Tx) -> list[TokenRow]:
    """Every token, oldest first."""
    return [TokenRow(**r._mapping) for r in tx.execute(select(tokens).order_by(tokens.c.id))]


def insert_token(
    tx: Tx,
    *,
    token_id: str,
    kind: str,
    name: str,
    digest: str,
    created_at: str,
    expires_at: str | None = None,
    for_runner: str | None = None,
) -> None:
    """Add a token by its hash."""
    tx.execute(
        insert(tokens),
        {
            "id": token_id,
            "kind": kind,
            "name": name,
            "hash": digest,
            "created_at": created_at,
            "expires_at": expires_at,
            "for_runner": for_runner,
        },
    )


def find_token_by_id(tx: Tx, token_id: str) -> TokenRow | None:
    """The token with this id, if it is known."""
    row = tx.execute(select(tokens).where(tokens.c.id == token_id)).one_or_none()
    return TokenRow(**row._mapping) if row is not None else None


def bind_token(tx: Tx, token_id: str, instance_id: str) -> None:
    """From now on the token is good for this instance of its runner alone."""
    tx.execute(update(tokens).where(tokens.c.id == token_id).values(instance_id=instance_id))


def touch_token(tx: Tx, token_id: str, now: str, expires_at: str | None) -> None:
    """Remember when a token was last used, and until when it is good."""
    statement = update(tokens).where(tokens.c.id == token_id)
    tx.execute(statement.values(last_used_at=now, expires_at=expires_at))


def remove_token(tx: Tx, token_id: str) -> bool:
    """Revoke a token; False when there is none."""
    return tx.execute(delete(tokens).where(tokens.c.id == token_id)).rowcount == 1


def remove_sessions(tx: Tx) -> int:
    """End every session; how many there were."""
    return tx.execute(delete(tokens).where(tokens.c.kind == "session")).rowcount


def remove_expired(tx: Tx, now: str) -> None:
    """Forget what has expired."""
    tx.execute(delete(tokens).where(tokens.c.expires_at <= now))


def count_expired(tx: Tx, now: str) -> int:
    """How many `remove_expired` would forget."""
    query = select(func.count()).where(tokens.c.expires_at <= now)
    return int(tx.execute(query).scalar_one())
