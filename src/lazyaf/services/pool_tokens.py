"""Tokens of a pool's containers: each good for one registration of one runner (rules.md R4).

A container gets its token as it starts. Whoever got hold of it afterwards, or registers with it under
another name, is refused; when the container is gone, so is its token.
"""

from __future__ import annotations

from collections.abc import Collection

from lazyaf.domain.errors import Forbidden
from lazyaf.services.credentials import digest
from lazyaf.store.tokens import (
    TokenRow,
    bind_token,
    find_token_by_id,
    insert_token,
    list_tokens,
)
from lazyaf.store.tx import Tx


def make_pool_token(tx: Tx, token_id: str, runner: str, secret: str, now: str) -> None:
    """Store the token of a container that will register as this runner."""
    insert_token(
        tx,
        token_id=token_id,
        kind="runner",
        name=f"Container {runner}",
        digest=digest(secret),
        created_at=now,
        for_runner=runner,
    )


def stray_pool_tokens(tx: Tx, kept: Collection[str]) -> list[str]:
    """The ids of containers' tokens besides those that are still in use."""
    return [t.id for t in list_tokens(tx) if is_of_pool(t) and t.id not in kept]


def is_of_pool(token: TokenRow) -> bool:
    """Whether it is a container's, and of no interest to people."""
    return token.for_runner is not None


def use_for_registration(tx: Tx, token_id: str, runner: str, instance_id: str) -> None:
    """Let this instance register with the token, or `Forbidden` ``token_used``."""
    token = find_token_by_id(tx, token_id)
    if token is None or token.for_runner is None:
        return
    if token.for_runner != runner or token.instance_id not in (None, instance_id):
        raise Forbidden(
            "This token was made for one container and is used up. Start another container: each gets "
            "a token of its own.",
            code="token_used",
        )
    if token.instance_id is None:
        bind_token(tx, token_id, instance_id)
