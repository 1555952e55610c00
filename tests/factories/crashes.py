"""The end of the process at a chosen moment: what a test puts in the place of a step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from lazyaf.services import carry_out_merge


class Crash(BaseException):
    """The end of the process, as far as a task can be told."""


class Stumble(Exception):
    """The same on the writer's thread, which passes on what a function raises."""


def crash(*_: Any, **__: Any) -> Any:
    raise Crash


def stumble(*_: Any, **__: Any) -> Any:
    raise Stumble


def crash_after(real: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def run(*args: Any, **kwargs: Any) -> Any:
        await real(*args, **kwargs)
        raise Crash

    return run


CRASHED_MERGES: Final[dict[str, tuple[str, Callable[..., Any], bool]]] = {
    "before the effect": ("_effect", crash, False),
    "after the effect": ("_effect", crash_after(carry_out_merge._effect), True),
    "before the confirmation": ("_confirm", stumble, True),
}
"""When `carry_out_merge` is cut off: the step that is replaced, by what, and whether the cards are merged."""
