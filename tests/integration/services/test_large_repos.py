"""Repositories whose objects a container brings along: which they are, and who works their jobs."""

from __future__ import annotations

import pytest

from factories.scene import TOKEN, Scene
from lazyaf.domain.containers import WARM, Kind
from lazyaf.domain.runners import PoolKind
from lazyaf.protocol.messages import AgentOffer, Job, RegisterRequest
from lazyaf.services.large_repos import LargeRepos
from lazyaf.services.own_images import coming
from lazyaf.services.runners import register_runner
from lazyaf.store.queue import repos_at_hand


async def queued(scene: Scene, repo_id: str) -> str:
    card = await scene.card(repo_id, agent="script")
    await scene.start(card)
    return card


async def runner(scene: Scene, repo_id: str | None, pool: PoolKind = PoolKind.DOCKER) -> str:
    """Another runner, maybe with the cache of this repository."""
    name = f"runner-{scene.new_id()[-6:]}"
    request = RegisterRequest(
        name=name,
        instance_id=f"instance-{name}",
        version="1",
        protocol=1,
        agents=[AgentOffer(name="script")],
        pool=pool,
        repo_id=repo_id,
    )
    await register_runner(scene.ctx, request, TOKEN)
    return request.instance_id


def card_of(job: Job | None) -> str | None:
    return None if job is None else job.task.card_id


async def test_a_job_is_for_the_containers_with_its_repositorys_cache(scene: Scene) -> None:
    large, small = await scene.repo(), await scene.repo()
    scene.ctx.supplies.cached = frozenset({large})
    first, second = await queued(scene, large), await queued(scene, small)

    assert card_of(await scene.claim(await runner(scene, None))) == second
    assert card_of(await scene.claim(await runner(scene, None))) is None
    assert card_of(await scene.claim(await runner(scene, small))) is None
    assert card_of(await scene.claim(await runner(scene, large))) == first


async def test_a_runner_with_a_cache_has_nothing_to_do_with_other_jobs(scene: Scene) -> None:
    large, small = await scene.repo(), await scene.repo()
    scene.ctx.supplies.cached = frozenset({large})
    await queued(scene, small)
    assert await scene.claim(await runner(scene, large)) is None


@pytest.mark.parametrize("pool", [PoolKind.PROCESS, PoolKind.EXTERNAL])
async def test_runners_that_keep_their_own_caches_take_any_job(
    scene: Scene, pool: PoolKind
) -> None:
    large = await scene.repo()
    scene.ctx.supplies.cached = frozenset({large})
    card = await queued(scene, large)
    assert card_of(await scene.claim(await runner(scene, None, pool))) == card


async def test_the_pool_hears_of_which_kinds_the_coming_jobs_are(scene: Scene) -> None:
    large, small = await scene.repo(), await scene.repo()
    await queued(scene, small)
    await queued(scene, large)
    assert (await scene.db.read(coming, 5, ())).kinds is None
    assert (await scene.db.read(coming, 5, {large})).kinds == (WARM, Kind(cache=large))


async def test_large_is_what_has_so_many_bytes_of_those_with_work_at_hand(scene: Scene) -> None:
    large, small, idle = await scene.repo(), await scene.repo(), await scene.repo()
    for repo, text in ((large, "".join(map(str, range(20_000)))), (small, "few")):
        await scene.push(repo, "main", {"file.txt": text})
        await queued(scene, repo)
    at_hand = await scene.db.read(repos_at_hand)
    assert at_hand == {large, small}

    found = LargeRepos(scene.ctx.git, 10_000, lambda: 0.0)
    assert list(await found.among(at_hand)) == [large]
    assert await found.all() == {large, small, idle}
    switched_off = LargeRepos(scene.ctx.git, None, lambda: 0.0)
    assert await switched_off.among(at_hand) == {}
    assert await switched_off.all() == set()
