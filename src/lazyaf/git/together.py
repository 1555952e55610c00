"""One look for all who ask in the same turn of the event loop.

Claims, and whatever else was waiting for one commit, go on in one turn, and most of them ask the same
repository. A look costs little, and going to another thread and back three times as much.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True)
class _Coming(Generic[V]):
    """A look that has not begun."""

    names: set[str]
    waiting: list[asyncio.Future[dict[str, V]]]


class Together(Generic[K, V]):
    """Looks for names at a place with ``look``, which leaves out what it does not find."""

    def __init__(self, look: Callable[[K, frozenset[str]], Awaitable[dict[str, V]]]) -> None:
        self._look = look
        self._coming: dict[tuple[asyncio.AbstractEventLoop, K], _Coming[V]] = {}

    async def find(self, place: K, names: Iterable[str]) -> dict[str, V]:
        """What there is of these names; looked for after this call, never before."""
        wanted, loop = frozenset(names), asyncio.get_running_loop()
        coming = self._coming.get((loop, place))
        if coming is None:
            coming = self._coming[loop, place] = _Coming(set(), [])
            loop.call_soon(self._begin, loop, place)
        coming.names |= wanted
        own = loop.create_future()  # who leaves does not take the others along
        coming.waiting.append(own)
        found = await own
        return {name: found[name] for name in wanted if name in found}

    def _begin(self, loop: asyncio.AbstractEventLoop, place: K) -> None:
        coming = self._coming.pop((loop, place))
        looking = asyncio.ensure_future(self._look(place, frozenset(coming.names)))
        looking.add_done_callback(lambda done: _hand_on(done, coming.waiting))


def _hand_on(
    done: asyncio.Future[dict[str, V]], waiting: Iterable[asyncio.Future[dict[str, V]]]
) -> None:
    error = None if done.cancelled() else done.exception()
    for own in waiting:
        if own.done():
            continue
        if done.cancelled():
            own.cancel()
        elif error is not None:
            own.set_exception(error)
        else:
            own.set_result(done.result())
