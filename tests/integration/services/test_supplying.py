"""What a job in a container is given with its claim, and what another runner's is not."""

from __future__ import annotations

from collections.abc import Sequence

from factories.scene import Scene
from lazyaf.domain.runners import Isolation, PoolKind
from lazyaf.domain.sandboxes import AgentNeeds
from lazyaf.protocol.messages import AgentOffer, Job, RegisterRequest
from lazyaf.services.blocked_hosts import HOSTS_MAX, OTHERS, note_blocked
from lazyaf.services.claim_job import claim_job
from lazyaf.services.runners import register_runner
from lazyaf.services.supply_job import allowances
from lazyaf.store.jobs import get_job

NEEDS = AgentNeeds({"MODEL_KEY": "sk-of-the-model"}, ("api.example.com:443",))


class Ways:
    """Remembers what was opened."""

    def __init__(self) -> None:
        self.opened: list[tuple[str, str, tuple[str, ...]]] = []

    async def open(self, runner: str, job_id: str, hosts: Sequence[str]) -> None:
        self.opened.append((runner, job_id, tuple(hosts)))


async def claimed(scene: Scene, pool: PoolKind) -> Job:
    repo = await scene.repo()
    await scene.start(await scene.card(repo))
    request = RegisterRequest(
        name="docker-1",
        instance_id="instance-of-docker-1",
        version="1",
        protocol=1,
        agents=[AgentOffer(name="script"), AgentOffer(name="claude")],
        isolation=Isolation.CONTAINER,
        pool=pool,
    )
    await register_runner(scene.ctx, request, "token")
    job = (await claim_job(scene.ctx, request.instance_id, "token", "claim-one")).job
    assert job is not None
    return job


def supplied(scene: Scene) -> Ways:
    ways = Ways()
    scene.ctx.supplies.exits[PoolKind.DOCKER.value] = ways
    scene.ctx.supplies.needs = lambda agent: NEEDS
    return ways


async def test_a_container_gets_key_and_ways_with_its_job(scene: Scene) -> None:
    ways = supplied(scene)
    job = await claimed(scene, PoolKind.DOCKER)
    assert job.agent_env == NEEDS.env
    assert ways.opened == [("docker-1", job.job_id, NEEDS.hosts)]
    assert "sk-of-the-model" not in repr(job)
    again = await scene.db.read(allowances, "docker", scene.ctx.supplies.needs)
    assert {name: (each.job_id, each.hosts) for name, each in again.items()} == {
        "docker-1": (job.job_id, NEEDS.hosts)
    }


async def test_a_runner_elsewhere_gets_nothing_of_this_machine(scene: Scene) -> None:
    ways = supplied(scene)
    job = await claimed(scene, PoolKind.EXTERNAL)
    assert job.agent_env == {}
    assert ways.opened == []


async def test_refusals_are_counted_and_bounded(scene: Scene) -> None:
    job = await claimed(scene, PoolKind.EXTERNAL)
    for host in ["a:1", "b:1", "a:1", *(f"h{n}:1" for n in range(HOSTS_MAX))]:
        await scene.db.write(note_blocked, job.job_id, host, 1)
    blocked = (await scene.db.read(get_job, job.job_id)).blocked_hosts
    assert blocked is not None
    assert (blocked["a:1"], blocked["b:1"], blocked[OTHERS]) == (2, 1, 2)
    assert len(blocked) == HOSTS_MAX + 1
