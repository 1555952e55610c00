"""Secrets of repositories: rows and queries. Values are sealed before they come here."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from lazyaf.store.tables import repo_secrets
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class SecretRow:
    """A secret as stored."""

    repo_id: str
    name: str
    sealed: bytes
    updated_at: str


def list_secrets(tx: Tx, repo_id: str) -> list[SecretRow]:
    """Every secret of a repository, by name."""
    query = select(repo_secrets).where(repo_secrets.c.repo_id == repo_id)
    return [SecretRow(**row._mapping) for row in tx.execute(query.order_by(repo_secrets.c.name))]


def put_secret(tx: Tx, secret: SecretRow) -> None:
    """Add a secret, or replace the one of this name."""
    remove_secret(tx, secret.repo_id, secret.name)
    tx.execute(
        insert(repo_secrets),
        {
            "repo_id": secret.repo_id,
            "name": secret.name,
            "sealed": secret.sealed,
            "updated_at": secret.updated_at,
        },
    )


def remove_secret(tx: Tx, repo_id: str, name: str) -> bool:
    """Delete a secret; False when there is none of this name."""
    table = repo_secrets.c
    done = tx.execute(delete(repo_secrets).where(table.repo_id == repo_id, table.name == name))
    return done.rowcount == 1
