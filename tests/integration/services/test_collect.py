"""What lies about on a server: each kind of leftover goes, and what holds work stays."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from factories.scene import Scene
from lazyaf.domain.errors import Conflict
from lazyaf.domain.jobs import StopReason
from lazyaf.domain.leftovers import Leftover, LeftoverKind
from lazyaf.git import pause
from lazyaf.services.collect import KEEP_COPIES_S, Collector
from lazyaf.services.retain import KEEP_EVENTS
from lazyaf.services.stuck_intents import STUCK_AFTER
from lazyaf.services.tokens import begin_session
from lazyaf.store.events import events_after
from lazyaf.store.intents import IntentRow, insert_intent, list_intents
from lazyaf.store.logs import entries_after
from lazyaf.store.tokens import list_tokens

DAY = 86_400.0


class Tidy:
    """A collector of the scene's server, whose runners' disk the test plays."""

    def __init__(self, scene: Scene, copies: list[Path] | None = None, days: float = 0) -> None:
        self.swept: list[bool] = []
        self.work: list[Leftover] = []
        self.collector = Collector(
            scene.ctx,
            copies=lambda: copies or [],
            sweep=self.sweep,
            keep_logs=days,
            wall=lambda: time.time() + 2 * 3600,
        )

    async def sweep(self, dry_run: bool) -> list[Leftover]:
        self.swept.append(dry_run)
        return self.work

    async def both(self) -> list[Leftover]:
        """What a dry run tells, and a real one, which must be the same; and then there is no more."""
        dry = await self.collector.collect(dry_run=True)
        assert await self.collector.collect(dry_run=True) == dry, "a dry run removed something"
        assert await self.collector.collect(dry_run=False) == dry
        assert await self.collector.collect(dry_run=False) == [x for x in dry if x.stays]
        return dry


async def test_of_a_tidy_server_there_is_nothing(scene: Scene) -> None:
    repo_id = await scene.repo()
    await scene.in_review(repo_id)
    await scene.working(repo_id)
    assert await Tidy(scene).both() == []


async def test_stale_refs_are_told_by_repository(scene: Scene) -> None:
    repo_id = await scene.repo("shop")
    main = await scene.tip(repo_id, "main")
    assert main is not None
    loose = scene.commit(repo_id, {"a": "1\n"}, [main])
    for number in (1, 2):
        await scene.set_ref(repo_id, f"refs/lazyaf/jobs/old/{number}/head", main)
    await scene.set_ref(repo_id, "refs/lazyaf/jobs/old/3/head", loose)
    (found,) = await Tidy(scene).both()
    assert (found.kind, found.place, found.count) == (LeftoverKind.JOB_REFS, "shop", 2)
    assert await scene.ref(repo_id, "refs/lazyaf/jobs/old/3/head") == loose, "unmerged work"


async def test_what_dead_git_processes_left_goes(scene: Scene) -> None:
    repo_id = await scene.repo("shop")
    path = scene.ctx.git.path(repo_id)
    (path / "refs" / "heads" / "main.lock").touch()
    (path / "objects" / "tmp_objdir-incoming-x").mkdir()
    (found,) = await Tidy(scene).both()
    assert (found.kind, found.place, found.count) == (LeftoverKind.GIT_LOCKS, "shop", 2)


async def test_what_is_in_use_is_no_leftover(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside a push the same files are no leftovers: nobody is alone in the repository then."""
    monkeypatch.setattr("lazyaf.git.maintenance.ALONE_WAIT_S", 0.05)
    repo_id = await scene.repo()
    lock = scene.ctx.git.path(repo_id) / "refs" / "heads" / "main.lock"
    lock.touch()
    async with scene.ctx.git.shared(repo_id):
        assert await Tidy(scene).both() == []
    assert lock.exists()


async def test_a_repository_on_no_board_goes_only_when_it_is_empty(scene: Scene) -> None:
    empty, full = scene.new_id(), scene.new_id()
    for repo_id in (empty, full):
        await scene.ctx.git.create(repo_id, "main")
    commit = scene.commit(full, {"a": "1\n"}, [])
    await scene.set_ref(full, "refs/lazyaf/jobs/x/1/checkpoint", commit)
    found = {Path(x.place).stem: x for x in await Tidy(scene).both()}
    assert (found[empty].stays, found[full].stays) == (False, True)
    assert "holds 1 branches and other refs" in found[full].why
    assert not scene.ctx.git.exists(empty)
    assert await scene.ref(full, "refs/lazyaf/jobs/x/1/checkpoint") == commit


async def test_one_that_is_just_being_made_is_left_alone(scene: Scene) -> None:
    await scene.ctx.git.create(scene.new_id(), "main")
    tidy = Tidy(scene)
    tidy.collector._wall = time.time
    assert await tidy.both() == []


async def test_a_damaged_repository_does_not_keep_the_others_from_their_turn(scene: Scene) -> None:
    broken, whole = await scene.repo("broken"), await scene.repo("whole")
    (scene.ctx.git.path(broken) / "HEAD").write_text("nonsense")
    (scene.ctx.git.path(whole) / "HEAD.lock").touch()
    found = {x.place: x for x in await Tidy(scene).collector.collect(dry_run=False)}
    assert found["broken"].stays
    assert "cannot be looked at" in found["broken"].why
    assert found["whole"].kind is LeftoverKind.GIT_LOCKS


async def test_old_copies_of_the_database_go_but_the_newest(scene: Scene, tmp_path: Path) -> None:
    copies = [tmp_path / f"lazyaf.db.before-{name}" for name in ("0001", "0002", "0003")]
    now = time.time()
    for copy, age in zip(copies, (2 * KEEP_COPIES_S, DAY, 2 * KEEP_COPIES_S), strict=True):
        copy.write_bytes(b"x" * 1000)
        os.utime(copy, (now - age, now - age))
    there = lambda: [copy for copy in copies if copy.exists()]  # noqa: E731
    tidy = Tidy(scene)
    tidy.collector._copies = there
    (found,) = await tidy.both()
    assert (found.place, found.bytes) == (str(copies[0]), 1000)
    assert there() == copies[1:]


async def test_events_logs_and_sign_ins_go_by_their_age(scene: Scene) -> None:
    _, job = await scene.working(await scene.repo())
    await scene.log(job, 1, "said")
    await scene.finish(job, StopReason.AGENT_FAILED)
    session = ("s", "a browser", "secret", scene.clock.now(), scene.clock.now())
    await scene.db.write(begin_session, *session)
    count = len(await scene.db.read(events_after, 0, 1000))
    scene.clock.advance(KEEP_EVENTS.total_seconds() + 60)
    found = {x.kind: x.count for x in await Tidy(scene, days=7).both()}
    assert found == {
        LeftoverKind.EVENTS: count - 1,  # the newest stays, so that its number is known
        LeftoverKind.LOGS: 1,
        LeftoverKind.SIGN_INS: 1,
    }
    assert await scene.db.read(list_tokens) == []
    (left,) = await scene.db.read(entries_after, job.job_id, 0, 100)
    assert left["name"] == "trimmed"


async def test_without_a_limit_logs_are_kept_for_ever(scene: Scene) -> None:
    _, job = await scene.working(await scene.repo())
    await scene.log(job, 1, "said")
    await scene.finish(job, StopReason.AGENT_FAILED)
    scene.clock.advance(80 * DAY)
    assert await Tidy(scene, days=0).both() == []


async def intended(scene: Scene) -> tuple[str, str]:
    """A card in review whose approval was written down, and never came to its end."""
    repo_id = await scene.repo()
    card, head = await scene.in_review(repo_id)
    base = await scene.tip(repo_id, "main")
    intent = IntentRow(
        id=scene.new_id(),
        repo_id=repo_id,
        card_id=card,
        operation="approve",
        ref="refs/heads/main",
        old_sha=base,
        new_sha=scene.commit(repo_id, {"m": "1\n"}, [base or "", head]),
        head_sha=head,
        body={"method": "merge"},
        actor="person:you",
        created_at=scene.clock.now(),
    )
    await scene.db.write(insert_intent, intent)
    return card, intent.new_sha


async def test_a_command_that_got_stuck_is_undone_or_finished(scene: Scene) -> None:
    undone, _ = await intended(scene)
    finished, merged = await intended(scene)
    repo_id = (await scene.card_row(finished)).repo_id
    await scene.set_ref(repo_id, "refs/heads/main", merged)
    assert await Tidy(scene).both() == []
    scene.clock.advance(STUCK_AFTER.total_seconds() + 1)
    (found,) = await Tidy(scene).both()
    assert (found.kind, found.count) == (LeftoverKind.INTENT, 2)
    assert await scene.db.read(list_intents) == []
    assert (await scene.card_row(undone)).status == "in_review"
    assert (await scene.card_row(finished)).status == "done"


async def test_one_that_somebody_is_at_is_waited_for(scene: Scene) -> None:
    card, _ = await intended(scene)
    scene.clock.advance(STUCK_AFTER.total_seconds() + 1)
    async with scene.ctx.job_locks.hold(f"card:{card}"):
        collecting = asyncio.ensure_future(Tidy(scene).collector.collect(dry_run=False))
        done, _ = await asyncio.wait({collecting}, timeout=0.3)
        assert not done
        assert len(await scene.db.read(list_intents)) == 1
    await collecting
    assert await scene.db.read(list_intents) == []


async def test_while_a_backup_is_made_it_only_looks(scene: Scene) -> None:
    repo_id = await scene.repo()
    main = await scene.tip(repo_id, "main")
    assert main is not None
    await scene.set_ref(repo_id, "refs/lazyaf/jobs/old/1/head", main)
    collector = Tidy(scene).collector
    with pause.copying(scene.ctx.git.root, lambda: None):
        assert len(await collector.collect(dry_run=True)) == 1
        with pytest.raises(Conflict) as refused:
            await collector.collect(dry_run=False)
    assert refused.value.code == "backup_running"
    assert await scene.ref(repo_id, "refs/lazyaf/jobs/old/1/head") == main


async def test_the_runners_disk_is_looked_at_the_same_way(scene: Scene) -> None:
    tidy = Tidy(scene)
    tidy.work = [Leftover(LeftoverKind.WORK_TREE, "/x", "It holds work.", stays=True)]
    assert await tidy.both() == tidy.work
    assert tidy.swept == [True, True, False, False]


def test_events_are_kept_for_three_months() -> None:
    assert timedelta(days=90) == KEEP_EVENTS
