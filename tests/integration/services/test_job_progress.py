"""What a runner tells while it works: its log and its checkpoints (R13)."""

from __future__ import annotations

import pytest

from factories.scene import Scene
from lazyaf.domain.errors import Conflict, LeaseLost, SequenceGap
from lazyaf.domain.jobs import StopReason
from lazyaf.domain.runners import RunnerEnd
from lazyaf.protocol.entries import EntryKind, Usage
from lazyaf.protocol.messages import CheckpointRequest
from lazyaf.services.append_log import announce_progress
from lazyaf.services.read_log import read_log
from lazyaf.services.reap import lose_runner, reap
from lazyaf.services.record_checkpoint import record_checkpoint
from lazyaf.services.trim_logs import trim_logs
from lazyaf.store.events import events_after


async def test_overlap_is_trimmed_and_a_gap_is_named(scene: Scene) -> None:
    repo = await scene.repo()
    _, job = await scene.working(repo)
    assert await scene.log(job, 1, "a", "b") == 2
    assert await scene.log(job, 1, "a", "b", "c") == 3
    assert await scene.log(job, 2, "b") == 3
    with pytest.raises(SequenceGap) as gap:
        await scene.log(job, 5, "e")
    assert gap.value.extra == {"expected": 4}
    found = await scene.db.read(read_log, job.job_id, after=0, before=None, limit=100)
    assert [(e["seq"], e["attempt"], e["text"]) for e in found.items] == [
        (1, 1, "a"),
        (2, 1, "b"),
        (3, 1, "c"),
    ]


async def test_a_cursor_beyond_any_entry_stands_for_the_end(scene: Scene) -> None:
    _, job = await scene.working(await scene.repo())
    await scene.log(job, 1, "a", "b", "c")
    last = await scene.db.read(read_log, job.job_id, after=0, before=2**53, limit=2)
    assert [entry["text"] for entry in last.items] == ["b", "c"]
    assert (
        await scene.db.read(read_log, job.job_id, after=2**53, before=None, limit=2)
    ).items == []


async def test_a_log_writes_no_event_and_the_board_hears_of_it_by_progress(scene: Scene) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    before = await scene.event_types()
    await scene.tell(
        job,
        1,
        {"at": "now", "kind": EntryKind.PHASE, "name": "setup"},
        {"at": "now", "kind": EntryKind.PHASE, "name": "working"},
        {"at": "now", "kind": EntryKind.STDOUT, "text": "an action before"},
        {"at": "now", "kind": EntryKind.TOOL_CALL, "name": "Bash", "text": "npm\0test\nmore"},
        {"at": "now", "kind": EntryKind.USAGE, "usage": Usage(cost_usd=0.5, turns=2)},
        {"at": "now", "kind": EntryKind.STDOUT, "text": "\x1b[0m \n"},
    )
    assert await scene.event_types() == before
    await scene.db.write(announce_progress, job.job_id)
    assert (await scene.event_types())[len(before) :] == ["job.progressed"]
    shown = ("working", "Bash npm test more", 0.5)
    live = (await scene.shown(card))["live"]
    assert (live["phase"], live["last_action"], live["cost_usd"]) == shown
    await scene.log(job, 7, "a batch with nothing to show takes nothing away")
    live = (await scene.shown(card))["live"]
    assert (live["phase"], live["last_action"], live["cost_usd"]) == shown


async def test_the_card_says_that_the_job_waits_for_its_model_and_when_it_goes_on(
    scene: Scene,
) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    for number, (name, text) in enumerate(
        (("waiting", "It waits."), ("goes_on", "It goes on.")), 1
    ):
        entry = {"at": "now", "kind": EntryKind.SYSTEM, "name": name, "text": text}
        await scene.tell(job, number, entry)
        assert (await scene.shown(card))["live"]["last_action"] == text


@pytest.mark.parametrize("cost", [float("inf"), float("nan")])
async def test_no_figure_of_a_runner_breaks_the_board(scene: Scene, cost: float) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    usage = Usage.model_construct(**{**Usage().model_dump(), "cost_usd": cost})
    await scene.tell(
        job,
        1,
        {"at": "now", "kind": EntryKind.USAGE, "usage": usage},
        {"at": "now", "kind": EntryKind.PHASE, "name": "p" * 200},
    )
    live = (await scene.shown(card))["live"]
    assert (live["cost_usd"], live["phase"]) == (None, "fetching")


async def test_a_checkpoint_moves_the_branch_forward_and_only_to_the_head(scene: Scene) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    head = await scene.work(job, {"a.txt": "1"})
    dirty = scene.commit(repo, {"a.txt": "2"}, [head])
    request = CheckpointRequest(head_sha=head, sha=dirty, additions=1, files=1, session="s")
    with pytest.raises(Conflict) as refused:
        await record_checkpoint(scene.ctx, job.job_id, job.lease, request)
    assert refused.value.code == "not_pushed"
    await scene.set_ref(repo, f"{job.push_prefix}checkpoint", dirty)
    await record_checkpoint(scene.ctx, job.job_id, job.lease, request)
    assert await scene.tip(repo, job.branch) == head
    row = await scene.job_row(job.job_id)
    assert (row.head_sha, row.checkpoint_sha, row.session_id) == (head, dirty, "s")
    last = (await scene.db.read(events_after, 0, 1000))[-1]
    assert last.type == "job.progressed"  # whoever lists the board now sees what was announced
    assert last.data.count(f'"version":{(await scene.card_row(card)).version}')
    # The next attempt resumes from there.
    await lose_runner(scene.ctx, "runner-2", RunnerEnd.WITH_SERVER)
    scene.clock.advance(61)
    await reap(scene.ctx)
    again = await scene.claimed(await scene.runner())
    assert (again.resume.head, again.resume.checkpoint, again.resume.session) == (head, dirty, "s")


async def test_a_checkpoint_with_a_lost_lease_moves_nothing(scene: Scene) -> None:
    repo = await scene.repo()
    _, job = await scene.working(repo)
    scene.clock.advance(11)
    await reap(scene.ctx)
    head = await scene.work(job, {"a.txt": "1"})
    with pytest.raises(LeaseLost):
        await record_checkpoint(scene.ctx, job.job_id, job.lease, CheckpointRequest(head_sha=head))
    assert await scene.tip(repo, job.branch) is None


async def test_old_logs_are_forgotten_and_say_so(scene: Scene) -> None:
    repo = await scene.repo()
    _, job = await scene.working(repo)
    await scene.log(job, 1, "long ago", "and more")
    await scene.finish(job, StopReason.FINISHED)
    _, other = await scene.working(repo)
    await scene.log(other, 1, "now")

    async def texts(job_id: str) -> list[str]:
        found = await scene.db.read(read_log, job_id, after=0, before=None, limit=100)
        return [item["text"] for item in found.items if item.get("text")]

    later = "9999-01-01T00:00:00.000Z"
    before = (await scene.job_row(job.job_id)).completed_at
    assert await scene.db.write(trim_logs, before, 1, scene.clock.now()) == 0
    assert "long ago" in await texts(job.job_id)
    assert await scene.db.write(trim_logs, later, 90, scene.clock.now()) == 1
    assert await texts(job.job_id) == [
        "The log was removed 90 days after the job was over, as the settings say."
    ]
    assert "now" in await texts(other.job_id)
    assert await scene.db.write(trim_logs, later, 90, scene.clock.now()) == 0
