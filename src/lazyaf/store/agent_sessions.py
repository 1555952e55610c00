"""Where the conversation of a card's agent is kept: one row for each card and agent, the newest."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, bindparam, delete, insert, select

from lazyaf.domain.cards import CardStatus
from lazyaf.store.tables import agent_sessions, cards
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class SessionRow:
    """``sha`` is a commit that holds the conversation ``session_id``."""

    card_id: str
    agent: str
    repo_id: str
    session_id: str
    sha: str
    kept_at: str


_FIND = select(agent_sessions).where(
    agent_sessions.c.card_id == bindparam("card_id"), agent_sessions.c.agent == bindparam("agent")
)


def find_session(tx: Tx, card_id: str, agent: str) -> SessionRow | None:
    """What is kept of this agent's last conversation about the card."""
    row = tx.execute(_FIND, {"card_id": card_id, "agent": agent}).one_or_none()
    return SessionRow(**row._mapping) if row is not None else None


def put_session(tx: Tx, session: SessionRow) -> None:
    """Keep this one from now on instead of what was kept for its card and agent."""
    tx.execute(
        delete(agent_sessions).where(
            agent_sessions.c.card_id == session.card_id, agent_sessions.c.agent == session.agent
        )
    )
    values = {name: getattr(session, name) for name in SessionRow.__dataclass_fields__}
    tx.execute(insert(agent_sessions), values)


def forget_sessions_of_done(tx: Tx, repo_id: str, before: str) -> None:
    """Forget those of a repository's cards that are done and have not changed since ``before``."""
    tx.execute(delete(agent_sessions).where(agent_sessions.c.card_id.in_(_done(repo_id, before))))


def lasting_sessions(tx: Tx, repo_id: str, before: str) -> list[SessionRow]:
    """Every one of a repository but those that `forget_sessions_of_done` would forget."""
    query = select(agent_sessions).where(
        agent_sessions.c.repo_id == repo_id,
        agent_sessions.c.card_id.not_in(_done(repo_id, before)),
    )
    return [SessionRow(**row._mapping) for row in tx.execute(query)]


def _done(repo_id: str, before: str) -> Select[tuple[str]]:
    return select(cards.c.id).where(
        cards.c.repo_id == repo_id,
        cards.c.status == CardStatus.DONE.value,
        cards.c.updated_at < before,
    )
