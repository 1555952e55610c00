"""The server's own settings, as a person changes them."""

from __future__ import annotations

from typing import Any, Final

from lazyaf.domain.events import Actor, EventType, NewEvent
from lazyaf.store.settings import get_setting, put_setting
from lazyaf.store.tx import Tx

DEFAULTS: Final[dict[str, Any]] = {
    "agent": "claude",
    "claims_paused": False,
    "agent_limits": {},
    "person": {"name": "", "email": ""},
    "committer": {"name": "", "email": ""},
}


def show_settings(tx: Tx) -> dict[str, Any]:
    """Every setting with its value."""
    return {key: get_setting(tx, key, default) for key, default in DEFAULTS.items()}


def edit_settings(tx: Tx, changes: dict[str, Any], actor: Actor) -> dict[str, Any]:
    """Change some; returns all."""
    for key in DEFAULTS:
        if key in changes:
            put_setting(tx, key, changes[key])
    shown = show_settings(tx)
    tx.emit(NewEvent(EventType.SETTINGS_UPDATED, "settings", actor, 0, {"settings": shown}))
    return shown
