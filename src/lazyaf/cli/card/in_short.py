"""What there is to say of a card in review in a few words."""

from __future__ import annotations

from lazyaf.cli.check_runs import together_in_short
from lazyaf.cli.client import Json
from lazyaf.cli.terminal import plural
from lazyaf.domain.checks import ChecksState


def checks_in_short(card: Json) -> str:
    """How a card's checks stand, or nothing: ``failed: lint``, ``passed``, ``running (of 1a2b3c4d5e)``."""
    found = card["checks"]
    if found is None:
        return ""
    said = str(found["state"])
    if found["failed"]:
        said += f": {', '.join(found['failed'])}"
    elif found["state"] == ChecksState.PASSED:
        said += f" ({plural(found['total'], 'check')})"
    return (
        said if found["head_sha"] == card["head_sha"] else f"{said} (of {found['head_sha'][:10]})"
    )


def merge_in_short(card: Json) -> str:
    """How an approved card stands in the merge queue, or nothing."""
    found = card["merge_state"]
    if found is None:
        return ""
    if found["state"] == "bounced":
        return f"not merged: {found['detail']}"
    if found["state"] == "queued":
        return "waits for its turn"
    return f"waits for its checks{together_in_short(found)}"
