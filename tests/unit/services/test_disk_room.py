"""Whether there is room: on every disk, looked at once in a while."""

from __future__ import annotations

from pathlib import Path

from factories.moments import FrozenClock
from lazyaf.domain.ports import Disk
from lazyaf.services.disk_room import LOOK_EVERY_S, DiskRoom

RESERVE = 500_000_000


class Disks:
    """Two disks whose free space a test changes."""

    def __init__(self) -> None:
        self.free = {"/data": RESERVE, "/agents": RESERVE}
        self.looks = 0

    def __call__(self) -> list[Disk]:
        self.looks += 1
        return [Disk((Path(name),), 10**12, free) for name, free in self.free.items()]


def test_below_the_reserve_on_either_disk_there_is_no_room() -> None:
    for name in ("/data", "/agents"):
        disks = Disks()
        clock = FrozenClock()
        room = DiskRoom(disks, RESERVE, clock.monotonic)
        assert room.warning() is None
        disks.free[name] = RESERVE - 1_000_000
        clock.advance(LOOK_EVERY_S + 1)
        warning = room.warning()
        assert warning is not None
        assert f"Only 499 MB are free on the disk of {name}" in warning
        assert "reserve of 500 MB" in warning


def test_it_is_looked_at_once_in_a_while() -> None:
    disks, clock = Disks(), FrozenClock()
    room = DiskRoom(disks, RESERVE, clock.monotonic)
    for _ in range(5):
        room.warning()
        clock.advance(LOOK_EVERY_S / 5)
    assert disks.looks == 1
    clock.advance(1)
    room.warning()
    assert disks.looks == 2
