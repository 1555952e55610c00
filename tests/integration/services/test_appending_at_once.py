"""Runners whose entries come at once: they are stored together, each log as if it were the only one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event

from factories.scene import Scene
from lazyaf.domain.errors import Invalid, LeaseLost, SequenceGap
from lazyaf.domain.runners import RunnerEnd
from lazyaf.protocol.entries import EntryFields, EntryKind
from lazyaf.protocol.messages import Job
from lazyaf.services.append_log import Sent, append_batches, batch_of
from lazyaf.services.reap import lose_runner
from lazyaf.store.jobs import get_job
from lazyaf.store.logs import entries_after
from lazyaf.store.runners import get_runner
from support.at_once import at_once


def line(scene: Scene, text: str) -> EntryFields:
    return {"at": scene.clock.now(), "kind": EntryKind.STDOUT, "text": text}


def sent(scene: Scene, job: Job, src_seq: int, *texts: str) -> Sent:
    batch = batch_of([line(scene, text) for text in texts])
    return Sent(job.job_id, job.lease, src_seq, batch)


async def stored(scene: Scene, *found: Sent) -> list[int | Exception]:
    """What came of it in one transaction. What fails in it is not tried again for each alone."""
    return await scene.db.write(append_batches, found)


async def texts(scene: Scene, job: Job) -> list[str]:
    entries = await scene.db.read(entries_after, job.job_id, 0, 100)
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    return [entry["text"] for entry in entries]


async def jobs(scene: Scene, count: int) -> list[Job]:
    repo = await scene.repo()
    return [(await scene.working(repo))[1] for _ in range(count)]


async def test_each_log_has_its_own_entries_and_each_card_its_last_action(scene: Scene) -> None:
    one, other, silent = await jobs(scene, 3)
    assert await stored(
        scene,
        sent(scene, one, 1, "a", "b"),
        sent(scene, other, 1, "x"),
        sent(scene, one, 3, "c"),
        sent(scene, one, 4, "d"),
    ) == [2, 1, 3, 4]
    assert [await texts(scene, job) for job in (one, other, silent)] == [list("abcd"), ["x"], []]
    rows = [await scene.db.read(get_job, job.job_id) for job in (one, other, silent)]
    assert [(row.log_seq, row.last_action) for row in rows] == [(4, "d"), (1, "x"), (0, None)]


async def test_what_was_sent_twice_at_once_is_stored_once(scene: Scene) -> None:
    (job,) = await jobs(scene, 1)
    first, again = sent(scene, job, 1, "a"), sent(scene, job, 1, "a", "b")
    assert await stored(scene, first, again, first) == [1, 2, 2]
    assert await texts(scene, job) == ["a", "b"]


async def test_who_is_refused_does_not_disturb_the_others(scene: Scene) -> None:
    gone, gap, fine = await jobs(scene, 3)
    held_by = (await scene.db.read(get_job, gone.job_id)).runner_id
    assert held_by is not None
    await lose_runner(scene.ctx, (await scene.db.read(get_runner, held_by)).name, RunnerEnd.DIED)
    lost, beyond, others, kept = await stored(
        scene,
        sent(scene, gone, 1, "too late"),
        sent(scene, gap, 3, "beyond"),
        Sent(gap.job_id, fine.lease, 1, batch_of([line(scene, "of another")])),
        sent(scene, fine, 1, "fine"),
    )
    assert isinstance(lost, LeaseLost)
    assert "orphan" in lost.detail
    assert isinstance(beyond, SequenceGap)
    assert beyond.extra["expected"] == 1
    assert isinstance(others, LeaseLost)
    assert kept == 1
    assert [await texts(scene, job) for job in (gap, fine)] == [[], ["fine"]]
    assert "too late" not in await texts(scene, gone)


async def test_what_no_database_holds_is_refused_alone(scene: Scene) -> None:
    before, bad, after = await jobs(scene, 3)
    kept, refused, others = await at_once(
        scene.db,
        scene.log(before, 1, "before"),
        scene.tell(bad, 1, line(scene, "half a character: \ud800")),
        scene.log(after, 1, "after"),
    )
    assert isinstance(refused, Invalid)
    assert (kept, others) == (1, 1)
    assert [await texts(scene, job) for job in (before, bad, after)] == [["before"], [], ["after"]]


async def test_many_take_no_more_statements_than_one(scene: Scene) -> None:
    said: list[Any] = []
    event.listen(
        scene.db._writer_engine, "before_cursor_execute", lambda *told: said.append(told[2])
    )
    for count in (5, 1):
        found = await jobs(scene, count)
        said.clear()
        assert await at_once(scene.db, *(scene.log(job, 1, "a") for job in found)) == [1] * count
        assert len(said) == 4, said
