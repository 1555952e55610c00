"""Tokens of people and runners: only their hashes are kept."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, insert, select, update

from lazyaf.store.tables import tokens
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token as stored. ``kind`` is ``person`` or ``runner``; ``hash`` is SHA-256 in hex."""

    id: str
    kind: str
    name: str
    hash: str
    created_at: str
    last_used_at: str | None


_BY_HASH = select(tokens).where(tokens.c.hash == bindparam("hash"))


def find_token(tx: Tx, digest: str) -> TokenRow | None:
    """The token with this hash, if it is known."""
    row = tx.execute(_BY_HASH, {"hash": digest}).one_or_none()
    return TokenRow(**row._mapping) if row is not None else None


def list_tokens(tx: Tx) -> list[TokenRow]:
    """Every token, oldest first."""
    return [TokenRow(**r._mapping) for r in tx.execute(select(tokens).order_by(tokens.c.id))]


def insert_token(
    tx: Tx, *, token_id: str, kind: str, name: str, digest: str, created_at: str
) -> None:
    """Add a token by its hash."""
    tx.execute(
        insert(tokens),
        {"id": token_id, "kind": kind, "name": name, "hash": digest, "created_at": created_at},
    )


def touch_token(tx: Tx, token_id: str, now: str) -> None:
    """Remember when a token was last used."""
    tx.execute(update(tokens).where(tokens.c.id == token_id).values(last_used_at=now))


def remove_token(tx: Tx, token_id: str) -> bool:
    """Revoke a token; False when there is none."""
    return tx.execute(delete(tokens).where(tokens.c.id == token_id)).rowcount == 1
