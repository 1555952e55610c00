"""The containers with a runner in them, as the pool knows them: one a slot, living or just dead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lazyaf.domain.containers import Containers, Kind
from lazyaf.domain.runners import RunnerEnd


@dataclass(slots=True)
class Box:
    """A container with a runner in it."""

    slot: int
    runner: str
    container_id: str
    address: str
    token_id: str
    kind: Kind
    made_of: Containers | None
    """None: of something else than what counts now."""
    born: float
    is_registered: bool = False
    is_leaving: bool = False
    is_sent_away: bool = False
    job_id: str | None = None
    ran_out: bool = False

    @property
    def end(self) -> RunnerEnd:
        """How it ended, now that it is dead."""
        if self.is_sent_away:
            return RunnerEnd.SENT_AWAY
        return RunnerEnd.OUT_OF_MEMORY if self.ran_out else RunnerEnd.DIED


class Boxes:
    """All of them, found by what the engine, the server and the proxy call them."""

    def __init__(self) -> None:
        self._by_slot: dict[int, Box] = {}

    def __iter__(self) -> Iterator[Box]:
        """Those of now: who goes round may put and drop."""
        return iter(list(self._by_slot.values()))

    def __contains__(self, slot: int) -> bool:
        return slot in self._by_slot

    @property
    def staying(self) -> list[Box]:
        """Those that may take a job or have one."""
        return [box for box in self if not box.is_leaving]

    def put(self, box: Box) -> None:
        """Know this one, in its slot."""
        self._by_slot[box.slot] = box

    def drop(self, box: Box) -> None:
        """Forget this one; harmless when another has its slot."""
        if self._by_slot.get(box.slot) is box:
            del self._by_slot[box.slot]

    def found_again(self, found: Iterable[Box]) -> None:
        """Know these and no others. Of one that was known before, more is known than was found."""
        known = {box.container_id: box for box in self}
        self._by_slot = {box.slot: known.get(box.container_id, box) for box in found}

    def named(self, runner: str) -> Box | None:
        """The one of this runner."""
        return next((box for box in self if box.runner == runner), None)

    def of_container(self, container_id: str) -> Box | None:
        """The one that the engine calls so."""
        return next((box for box in self if box.container_id == container_id), None)

    def at(self, address: str) -> Box | None:
        """The one with this address."""
        return next((box for box in self if box.address == address), None)
