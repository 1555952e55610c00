"""Which repositories are looked after and when, and what becomes of orphans."""

from __future__ import annotations

import time

from factories.scene import Scene
from lazyaf.domain.events import PERSON
from lazyaf.git.condition import condition
from lazyaf.services.approve_card import approve_card
from lazyaf.services.cards import delete_card
from lazyaf.services.decide_card import reject_card
from lazyaf.services.stale_refs import remove_stale_refs
from lazyaf.services.upkeep import OVERDUE_S, QUIET_S, Upkeep

DAY = 86_400.0


class Wall:
    """Unix time, moved on by the test."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


def is_tidy(scene: Scene, repo_id: str) -> bool:
    return condition(scene.ctx.git.path(repo_id)).has_commit_graph


class Transfer:
    """One that goes on for as long as the test wants."""

    async def end(self, reason: Exception) -> None:
        raise AssertionError(reason)


async def test_a_repository_has_its_turn_once_it_is_idle(scene: Scene) -> None:
    repo_id, wall = await scene.repo(), Wall()
    upkeep = Upkeep(scene.ctx, 1, wall)
    await upkeep.look_after_all()
    assert not is_tidy(scene, repo_id)
    wall.ahead = QUIET_S + 1
    with scene.ctx.git.running(repo_id, None, Transfer()):
        await upkeep.look_after_all()
        assert not is_tidy(scene, repo_id)
    await upkeep.look_after_all()
    assert is_tidy(scene, repo_id)


async def test_one_that_is_never_idle_has_its_turn_after_an_hour(scene: Scene) -> None:
    repo_id, wall = await scene.repo(), Wall()
    upkeep = Upkeep(scene.ctx, 1, wall)
    with scene.ctx.git.running(repo_id, None, Transfer()):
        await upkeep.look_after_all()
        wall.ahead = OVERDUE_S - 5
        await upkeep.look_after_all()
        assert not is_tidy(scene, repo_id)
        wall.ahead = OVERDUE_S + 1
        await upkeep.look_after_all()
    assert is_tidy(scene, repo_id)


async def test_one_that_did_not_change_is_left_alone(scene: Scene) -> None:
    repo_id, wall = await scene.repo(), Wall()
    wall.ahead = QUIET_S + 1
    upkeep = Upkeep(scene.ctx, 1, wall)
    await upkeep.look_after_all()
    await upkeep.look_after_all()  # once more, because the upkeep itself wrote
    leftover = scene.ctx.git.path(repo_id) / "objects" / "tmp_objdir-incoming-X"
    leftover.mkdir()
    await upkeep.look_after_all()
    assert leftover.exists()
    await scene.push(repo_id, "main", {"app.py": "print('more')\n"})
    wall.ahead += 5
    await upkeep.look_after_all()
    assert not leftover.exists()


async def test_one_that_fails_does_not_keep_the_others_from_their_turn(scene: Scene) -> None:
    broken, whole, wall = await scene.repo(), await scene.repo(), Wall()
    (scene.ctx.git.path(broken) / "refs/heads/main").write_text("f" * 40 + "\n")
    wall.ahead = QUIET_S + 1
    await Upkeep(scene.ctx, 1, wall).look_after_all()
    assert not is_tidy(scene, broken)
    assert is_tidy(scene, whole)


async def orphaned(scene: Scene, repo_id: str) -> tuple[str, str]:
    """A card whose job ended, and the ref that its attempt left as an orphan."""
    card_id, job = await scene.working(repo_id)
    head = await scene.work(job, {"orphan.txt": "left\n"})
    await scene.finish(job, head_sha=head)
    ref = f"refs/lazyaf/jobs/{job.job_id}/orphan/{job.attempt}"
    await scene.set_ref(repo_id, ref, scene.commit(repo_id, {"orphan.txt": "more\n"}, [head]))
    return card_id, ref


async def test_an_orphan_stays_while_a_card_names_it_and_a_week_longer_than_its_credential(
    scene: Scene,
) -> None:
    repo_id = await scene.repo()
    card_id, ref = await orphaned(scene, repo_id)
    scene.clock.advance(15 * DAY)
    assert await remove_stale_refs(scene.ctx, repo_id) == 0
    assert await scene.ref(repo_id, ref) is not None
    head = (await scene.card_row(card_id)).head_sha
    assert head is not None
    await approve_card(scene.ctx, card_id, head, PERSON)
    assert await remove_stale_refs(scene.ctx, repo_id) == 1
    assert await scene.ref(repo_id, ref) is None


async def test_an_orphan_of_a_later_job_is_no_longer_named(scene: Scene) -> None:
    repo_id = await scene.repo()
    card_id, ref = await orphaned(scene, repo_id)
    await reject_card(scene.ctx, card_id, PERSON)
    await scene.start(card_id)
    scene.clock.advance(13 * DAY)
    assert await remove_stale_refs(scene.ctx, repo_id) == 0
    scene.clock.advance(2 * DAY)
    assert await remove_stale_refs(scene.ctx, repo_id) == 1
    assert await scene.ref(repo_id, ref) is None


async def test_upkeep_expires_the_orphans_of_a_deleted_card(scene: Scene) -> None:
    repo_id = await scene.repo()
    card_id, ref = await orphaned(scene, repo_id)
    await scene.db.write(delete_card, card_id, PERSON)
    await Upkeep(scene.ctx, 1).look_after_all()
    assert await scene.ref(repo_id, ref) is None
