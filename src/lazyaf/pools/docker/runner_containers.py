"""The containers with a runner in them, as the pool knows them: one a slot, living or just dead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lazyaf.domain.containers import Containers, Kind
from lazyaf.domain.runners import RunnerEnd


@dataclass(slots=True)
class RunnerContainer:
    """A container with a runner in it."""

    slot: int
    runner: str
    container_id: str
    address: str
    token_id: str
    kind: Kind
    made_of: Containers | None
    """None: of something else than what counts now."""
    launched_at: float
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


class RunnerContainers:
    """All of them, found by what the engine, the server and the proxy call them."""

    def __init__(self) -> None:
        self._by_slot: dict[int, RunnerContainer] = {}

    def __iter__(self) -> Iterator[RunnerContainer]:
        """Those of now: who goes round may put and drop."""
        return iter(list(self._by_slot.values()))

    def __contains__(self, slot: int) -> bool:
        return slot in self._by_slot

    @property
    def staying(self) -> list[RunnerContainer]:
        """Those that may take a job or have one."""
        return [container for container in self if not container.is_leaving]

    def put(self, container: RunnerContainer) -> None:
        """Know this one, in its slot."""
        self._by_slot[container.slot] = container

    def drop(self, container: RunnerContainer) -> None:
        """Forget this one; harmless when another has its slot."""
        if self._by_slot.get(container.slot) is container:
            del self._by_slot[container.slot]

    def found_again(self, found: Iterable[RunnerContainer]) -> None:
        """Know these and no others. Of one that was known before, more is known than was found."""
        known = {container.container_id: container for container in self}
        self._by_slot = {
            container.slot: known.get(container.container_id, container) for container in found
        }

    def named(self, runner: str) -> RunnerContainer | None:
        """The one of this runner."""
        return next((container for container in self if container.runner == runner), None)

    def of_container(self, container_id: str) -> RunnerContainer | None:
        """The one that the engine calls so."""
        return next(
            (container for container in self if container.container_id == container_id), None
        )

    def at(self, address: str) -> RunnerContainer | None:
        """The one with this address."""
        return next((container for container in self if container.address == address), None)
