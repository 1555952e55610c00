"""What is taken of the disks, and that no job is given out where there is no room (rules.md R18)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from factories.scene import Scene
from lazyaf.domain.ports import Disk
from lazyaf.services.disk_room import DiskRoom, watch_room
from lazyaf.services.disk_use import FRESH_S, DiskUse


def measuring(scene: Scene, work: dict[str, int] | None = None) -> DiskUse:
    return DiskUse(scene.ctx, wal=lambda: 7, copies=list, work=lambda: work or {})


async def test_the_logs_are_told_apart_in_the_database(scene: Scene) -> None:
    use = measuring(scene)
    before = await use.database()
    _, job = await scene.working(await scene.repo())
    await scene.log(job, 1, *(f"line {n} of {scene.new_id()}" for n in range(5000)))
    after = await use.database()
    assert after["logs"] > before["logs"] + 10_000
    assert after["total"] > after["logs"]
    assert after["wal"] == 7


async def test_repositories_come_by_name_the_largest_first(scene: Scene) -> None:
    small = await scene.repo("small")
    large = await scene.repo("large", {"a": "".join(scene.new_id() for _ in range(5000))})
    found = await measuring(scene).repositories()
    assert [(r["id"], r["name"]) for r in found] == [(large, "large"), (small, "small")]
    assert found[0]["bytes"] > found[1]["bytes"] > 0


async def test_a_repository_on_no_board_is_shown(scene: Scene) -> None:
    stray = scene.new_id()
    await scene.ctx.git.create(stray, "main")
    assert await measuring(scene).repositories() == [{"id": stray, "name": None, "bytes": 0}]


async def test_what_was_found_serves_everyone_for_a_while(scene: Scene) -> None:
    work = {"trees": 1}
    use = measuring(scene, work)
    first = await use.everything()
    work["trees"] = 2
    scene.clock.advance(FRESH_S - 1)
    soon = await use.everything()
    assert (soon["work"], soon["measured_at"]) == (first["work"], first["measured_at"])
    scene.clock.advance(2)
    again = await use.everything()
    assert again["work"] == {"trees": 2}
    assert again["measured_at"] > first["measured_at"]


async def test_without_room_on_the_agents_disk_no_job_is_given_out(scene: Scene) -> None:
    free = {"data": 10**9, "agents": 10**9}
    room = DiskRoom(
        lambda: [Disk((Path(f"/{n}"),), 10**12, f) for n, f in free.items()],
        10**8,
        scene.clock.monotonic,
    )
    scene.ctx = replace(scene.ctx, room=room)
    await scene.start(await scene.card(await scene.repo()))
    runner = await scene.runner()
    free["agents"] = 10**7
    await watch_room(scene.db, room)
    assert await scene.claim(runner) is None
    assert "/agents" in (room.warning() or "")
    assert [disk["is_low"] for disk in measuring(scene).disks()] == [False, True]
    free["agents"] = 10**9
    scene.clock.advance(10)
    await watch_room(scene.db, room)
    assert await scene.claim(runner) is not None
