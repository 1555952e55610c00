"""Which refs of jobs go, and that no unmerged work goes with them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import pytest

from factories.scene import Scene
from lazyaf.domain.cards import CardCommand
from lazyaf.domain.events import PERSON
from lazyaf.domain.jobs import StopReason
from lazyaf.domain.leftovers import LeftoverKind
from lazyaf.git import refs
from lazyaf.git.reach import beyond, reached
from lazyaf.git.refs import RefUpdate
from lazyaf.protocol.messages import CheckpointRequest, Job
from lazyaf.services.approve_card import approve_card
from lazyaf.services.cards import delete_card
from lazyaf.services.decide_card import reject_card
from lazyaf.services.orphans import made_at
from lazyaf.services.record_checkpoint import record_checkpoint
from lazyaf.services.stale_refs import StaleRefs, remove, remove_stale_refs, stale_refs
from lazyaf.services.start_card import RunRequest
from lazyaf.services.upkeep import Upkeep

DAY = 86_400.0


async def names(scene: Scene, repo_id: str) -> set[str]:
    """What is left below the jobs, without the jobs' ids."""
    found = await refs.list_refs(scene.ctx.git, repo_id, "refs/lazyaf/jobs/")
    return {ref.split("/", 4)[4] for ref in found}


async def swept(scene: Scene, repo_id: str, days: float = 31) -> set[str]:
    """What is left so many days later."""
    scene.clock.advance(days * DAY)
    await remove_stale_refs(scene.ctx, repo_id)
    return await names(scene, repo_id)


async def saved(scene: Scene, job: Job, parents: Iterable[str] = ()) -> tuple[str, str]:
    """A commit of the agent, and a checkpoint of what it has not committed; recorded."""
    head = await scene.work(job, {"work.txt": f"{job.attempt}\n"})
    save = scene.commit(job.repo.id, {"draft.txt": "x\n"}, [head, *parents], "Checkpoint")
    await scene.set_ref(job.repo.id, f"{job.push_prefix}checkpoint", save)
    request = CheckpointRequest(head_sha=head, sha=save)
    await record_checkpoint(scene.ctx, job.job_id, job.lease, request)
    return head, save


async def approved(scene: Scene, card_id: str) -> None:
    head = (await scene.card_row(card_id)).head_sha
    assert head is not None
    await approve_card(scene.ctx, card_id, head, PERSON)


async def test_those_of_a_merged_card_go_a_month_after_its_job(scene: Scene) -> None:
    repo_id = await scene.repo()
    card, job = await scene.working(repo_id)
    head, _ = await saved(scene, job)
    await scene.finish(job, head_sha=head)
    await approved(scene, card)
    await scene.push(repo_id, "main", {"later.txt": "1\n"})
    assert await swept(scene, repo_id, 29) == {"1/head", "1/checkpoint"}
    assert await swept(scene, repo_id, 2) == {"1/head"}, "the card still says where it stands"
    assert await scene.tip(repo_id, (await scene.card_row(card)).branch_name or "") == head


async def test_those_of_an_earlier_job_go_when_the_branch_has_its_commits(scene: Scene) -> None:
    repo_id = await scene.repo()
    card, first = await scene.working(repo_id)
    await scene.finish(first, head_sha=await scene.work(first, {"a": "1\n"}))
    await scene.start(card, CardCommand.REQUEST_CHANGES)
    second = await scene.claimed(await scene.runner())
    await scene.finish(second, head_sha=await scene.work(second, {"b": "2\n"}))
    (stale,) = await stale_after(scene, repo_id, 31)
    assert stale.kind is LeftoverKind.JOB_REFS
    assert list(stale.refs) == [f"{first.push_prefix}head"]


async def stale_after(scene: Scene, repo_id: str, days: float) -> list[StaleRefs]:
    scene.clock.advance(days * DAY)
    return await stale_refs(scene.ctx, repo_id)


async def test_commits_that_no_branch_has_stay_for_ever(scene: Scene) -> None:
    """The job could not put them there, and another one began anew; the card is merged, and deleted."""
    repo_id = await scene.repo()
    card, job = await scene.working(repo_id)
    head = await scene.work(job, {"work.txt": "mine\n"})
    await scene.finish(job, StopReason.PUSH_REJECTED)
    await scene.start(card, CardCommand.RETRY, RunRequest(fresh=True))
    again = await scene.claimed(await scene.runner())
    await scene.finish(again, head_sha=await scene.work(again, {"b": "1\n"}, [again.base_sha]))
    await approved(scene, card)
    assert "1/head" in await swept(scene, repo_id, 4000)
    await scene.db.write(delete_card, card, PERSON)
    await swept(scene, repo_id, 4000)
    assert await scene.ref(repo_id, f"{job.push_prefix}head") == head
    assert await scene.ref(repo_id, f"{again.push_prefix}head") is None


async def test_what_the_archive_has_may_go(scene: Scene) -> None:
    repo_id = await scene.repo()
    card, job = await scene.working(repo_id)
    head = await scene.work(job, {"work.txt": "mine\n"})
    await scene.finish(job, head_sha=head)
    await reject_card(scene.ctx, card, PERSON)
    branch = (await scene.card_row(card)).branch_name or ""
    await refs.update(scene.ctx.git, repo_id, [RefUpdate(f"refs/heads/{branch}", None, head)])
    await scene.db.write(delete_card, card, PERSON)
    assert await swept(scene, repo_id) == set()
    assert await scene.ref(repo_id, "refs/lazyaf/archive/1/1") == head


async def test_a_checkpoint_stays_while_its_card_may_go_on_from_it(scene: Scene) -> None:
    repo_id = await scene.repo()
    card, job = await scene.working(repo_id)
    _, save = await saved(scene, job)
    await scene.finish(job, StopReason.AGENT_FAILED)
    assert "1/checkpoint" in await swept(scene, repo_id, 400)
    await scene.start(card, CardCommand.RETRY)
    again = await scene.claimed(await scene.runner())
    assert again.resume.checkpoint == save


async def test_a_checkpoint_that_was_passed_over_stays_until_its_card_is_done(
    scene: Scene,
) -> None:
    """Begun anew: nobody goes on from it, and yet it is the only copy of what was not committed."""
    repo_id = await scene.repo()
    card, job = await scene.working(repo_id)
    await saved(scene, job)
    await scene.finish(job, StopReason.AGENT_FAILED)
    await scene.start(card, CardCommand.RETRY, RunRequest(fresh=True))
    again = await scene.claimed(await scene.runner())
    await scene.finish(again, head_sha=await scene.work(again, {"b": "1\n"}))
    assert "1/checkpoint" in await swept(scene, repo_id, 31)
    await approved(scene, card)
    assert "1/checkpoint" not in await swept(scene, repo_id, 0)


async def test_a_checkpoint_with_a_stash_keeps_it(scene: Scene) -> None:
    """Its further parents are commits of work: stashes, and branches of the agent's own."""
    repo_id = await scene.repo()
    card, job = await scene.working(repo_id)
    stash = scene.commit(repo_id, {"stashed.txt": "x\n"}, [job.base_sha], "WIP on main")
    head, _ = await saved(scene, job, [stash])
    await scene.finish(job, head_sha=head)
    await approved(scene, card)
    assert "1/checkpoint" in await swept(scene, repo_id, 400)


async def test_of_a_running_job_everything_stays(scene: Scene) -> None:
    """Also what was pushed and never recorded: the next attempt begins there."""
    repo_id = await scene.repo()
    _, job = await scene.working(repo_id)
    head = await scene.work(job, {"work.txt": "1\n"})
    await scene.set_ref(repo_id, "refs/heads/same", head)
    assert await swept(scene, repo_id, 400) == {"1/head"}


async def test_of_a_deleted_card_only_what_a_branch_has_goes(scene: Scene) -> None:
    repo_id = await scene.repo()
    card, job = await scene.working(repo_id)
    head, _ = await saved(scene, job)
    await scene.finish(job, head_sha=head)
    await scene.db.write(delete_card, card, PERSON)
    assert await swept(scene, repo_id, 0) == set()
    assert len(await refs.list_refs(scene.ctx.git, repo_id, "refs/heads/")) == 2, "its branch stays"


async def test_what_is_younger_than_a_restored_backup_stays(scene: Scene) -> None:
    """git may have more than the database: a job that the database does not know was made just now."""
    repo_id = await scene.repo()
    now = int(datetime.fromisoformat(scene.clock.now()).timestamp() * 1000)
    job_id = f"{now >> 16:08x}-{now & 0xFFFF:04x}-7000-8000-000000000001"
    assert abs(made_at(job_id).timestamp() * 1000 - now) < 1
    main = await scene.tip(repo_id, "main")
    assert main is not None
    for name in ("1/head", "1/checkpoint", "orphan/1"):
        await scene.set_ref(repo_id, f"refs/lazyaf/jobs/{job_id}/{name}", main)
    assert await swept(scene, repo_id, 0) == {"1/head", "1/checkpoint", "orphan/1"}
    assert await swept(scene, repo_id, 15) == {"1/head", "1/checkpoint"}
    assert await swept(scene, repo_id, 16) == set()


async def test_one_that_moves_meanwhile_stays_and_the_others_go(scene: Scene) -> None:
    repo_id = await scene.repo()
    main = await scene.tip(repo_id, "main")
    assert main is not None
    for number in (1, 2):
        await scene.set_ref(repo_id, f"refs/lazyaf/jobs/old/{number}/head", main)
    (stale,) = await stale_refs(scene.ctx, repo_id)
    assert len(stale.refs) == 2
    newer = scene.commit(repo_id, {"x": "1\n"}, [main])
    await scene.set_ref(repo_id, "refs/lazyaf/jobs/old/2/head", newer)
    assert await remove(scene.ctx, repo_id, stale) == 1
    assert await names(scene, repo_id) == {"2/head"}


async def test_upkeep_removes_them_once_a_day(scene: Scene) -> None:
    repo_id = await scene.repo()
    main = await scene.tip(repo_id, "main")
    assert main is not None
    await scene.set_ref(repo_id, "refs/lazyaf/jobs/old/1/head", main)
    await Upkeep(scene.ctx, 1).look_after_all()
    assert await names(scene, repo_id) == set()


async def test_what_refs_reach(scene: Scene) -> None:
    repo_id = await scene.repo()
    main = await scene.tip(repo_id, "main")
    assert main is not None
    middle = scene.commit(repo_id, {"m": "1\n"}, [main])
    top = scene.commit(repo_id, {"t": "1\n"}, [middle])
    assert await beyond(scene.ctx.git, repo_id, [top, main], ["refs/heads/"]) == {
        top: [middle],
        middle: [main],
    }
    nothing = "f" * 40
    assert await reached(scene.ctx.git, repo_id, [main, middle, nothing]) == {main}
    await scene.set_ref(repo_id, "refs/lazyaf/jobs/x/1/head", top)
    assert await reached(scene.ctx.git, repo_id, [main, middle, top]) == {main, middle, top}
    assert await beyond(scene.ctx.git, repo_id, [], ["refs/heads/"]) == {}


@pytest.mark.parametrize("job_id", ["nonsense", "0b92c1de-8d1c-4d3c-9d4b-2a4f8a1c0e11"])
def test_an_id_that_tells_no_time_is_old(job_id: str) -> None:
    assert made_at(job_id).year < 1971
