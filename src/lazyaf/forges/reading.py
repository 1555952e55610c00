"""Takes what is needed out of a forge's JSON, or says that it is not what it should be."""

from __future__ import annotations

from typing import Any

from lazyaf.domain.forges import ForgeRepo, Pull, PullState, is_page
from lazyaf.forges.refusals import strange


def members(at: ForgeRepo, value: Any) -> dict[str, Any]:
    """An object. Raises as `strange`."""
    if not isinstance(value, dict):
        raise strange(at)
    return value


def items(at: ForgeRepo, value: Any) -> list[dict[str, Any]]:
    """A list of objects. Raises as `strange`."""
    if not isinstance(value, list):
        raise strange(at)
    return [members(at, item) for item in value]


def pull_of(at: ForgeRepo, number: Any, url: Any, state: PullState) -> Pull:
    """A pull request, whose page can be shown. Raises as `strange`."""
    is_number = isinstance(number, int) and not isinstance(number, bool) and number > 0
    if not is_number or not isinstance(url, str) or not is_page(url):
        raise strange(at)
    return Pull(number, url, state)


def may_push(repo: dict[str, Any]) -> bool | None:
    """What GitHub and Gitea say of the token's owner; None where they do not."""
    permissions = repo.get("permissions")
    may = permissions.get("push") if isinstance(permissions, dict) else None
    return may if isinstance(may, bool) else None
