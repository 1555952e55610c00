"""What the runner panel shows, and the notes of what a person asked of a pool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazyaf.domain.containers import choose
from lazyaf.domain.events import Actor, EventType, NewEvent
from lazyaf.services.runners import show_runners
from lazyaf.store.events import last_event_id
from lazyaf.store.settings import get_setting, put_setting
from lazyaf.store.tx import Tx


def panel(tx: Tx) -> tuple[int, list[dict[str, Any]]]:
    """The newest event's id, read first, and every runner."""
    return last_event_id(tx), show_runners(tx)


def note_scaled(tx: Tx, pool: str, count: int, actor: Actor) -> None:
    """Remember how many runners a pool shall have, also after a restart."""
    put_setting(tx, f"pool:{pool}", count)
    tx.emit(
        NewEvent(EventType.POOL_SCALED, f"pool:{pool}", actor, 0, {"pool": pool, "count": count})
    )


def wanted_count(tx: Tx, pool: str) -> int | None:
    """How many runners a person last asked this pool for."""
    count: int | None = get_setting(tx, f"pool:{pool}")
    return count


def note_remade(tx: Tx, pool: str, changes: Mapping[str, Any], actor: Actor) -> None:
    """Remember of what a person wants this pool's containers to be made, also after a restart."""
    chosen = choose(chosen_containers(tx, pool), changes)
    put_setting(tx, f"containers:{pool}", chosen)
    about = {"pool": pool, "containers": chosen}
    tx.emit(NewEvent(EventType.POOL_CONFIGURED, f"pool:{pool}", actor, 0, about))


def chosen_containers(tx: Tx, pool: str) -> dict[str, Any]:
    """What a person chose of this pool's containers."""
    chosen: dict[str, Any] = get_setting(tx, f"containers:{pool}", {})
    return chosen
