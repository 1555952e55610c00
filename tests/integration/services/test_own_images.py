"""Jobs of repositories that name an image: who gets them, what a pool needs next, and how they are refused."""

from __future__ import annotations

import pytest

from factories.scene import TOKEN, Scene
from lazyaf.domain.containers import WARM, Kind
from lazyaf.domain.events import PERSON
from lazyaf.protocol.messages import AgentOffer, Job, RegisterRequest
from lazyaf.services.edit_repo import edit_repo
from lazyaf.services.own_images import coming, note_preparing, refuse_image
from lazyaf.services.runners import register_runner
from lazyaf.store.queue import standings, waiting_in
from lazyaf.store.repos import get_repo
from lazyaf.store.runners import find_runner_by_instance
from lazyaf.store.tx import Tx

APP = "registry.example.com/app:1"


async def set_image(scene: Scene, repo: str, image: str | None, **more: object) -> None:
    changes = {"settings": {"image": image, **more}}
    await edit_repo(scene.ctx, repo, changes, if_match=None, actor=PERSON)


async def queued(scene: Scene, repo: str, agent: str = "script") -> str:
    card = await scene.card(repo, agent=agent)
    await scene.start(card)
    return card


async def runner_in(scene: Scene, image: str | None) -> str:
    name = f"runner-{scene.new_id()[-6:]}"
    request = RegisterRequest(
        name=name,
        instance_id=f"instance-{name}",
        version="1",
        protocol=1,
        agents=[AgentOffer(name="script"), AgentOffer(name="claude")],
        image=image,
    )
    await register_runner(scene.ctx, request, TOKEN)
    return request.instance_id


def card_of(job: Job | None) -> str | None:
    return None if job is None else job.task.card_id


@pytest.fixture
def containers(scene: Scene) -> Scene:
    """A server with a pool of containers."""
    scene.ctx.supplies.own_images = True
    return scene


async def test_a_job_goes_to_a_container_of_its_image_and_to_no_other(containers: Scene) -> None:
    scene = containers
    plain, own, other = await scene.repo(), await scene.repo(), await scene.repo()
    await set_image(scene, own, APP)
    await set_image(scene, other, "other:2")
    cards = {repo: await queued(scene, repo) for repo in (own, other, plain)}

    usual, cold = await runner_in(scene, None), await runner_in(scene, APP)
    assert card_of(await scene.claim(usual)) == cards[plain]
    assert card_of(await scene.claim(await runner_in(scene, None))) is None
    assert card_of(await scene.claim(cold)) == cards[own]
    assert card_of(await scene.claim(await runner_in(scene, APP))) is None


async def test_without_a_pool_of_containers_an_image_has_no_effect(scene: Scene) -> None:
    repo = await scene.repo()
    await set_image(scene, repo, APP)
    card = await queued(scene, repo)
    assert card_of(await scene.claim(await runner_in(scene, "other:2"))) is None
    assert card_of(await scene.claim(await runner_in(scene, None))) == card


async def test_the_file_on_the_default_branch_names_the_image_and_no_other_branch(
    scene: Scene,
) -> None:
    repo = await scene.repo()
    named = {".lazyaf/config.toml": f'[sandbox]\nimage = "{APP}"\n'}
    await scene.push(repo, "lazyaf/1-sly", named, parents=[await scene.tip(repo, "main") or ""])
    assert (await scene.db.read(get_repo, repo)).image is None
    await scene.push(repo, "main", named)
    assert (await scene.db.read(get_repo, repo)).image == APP


async def test_what_a_pool_needs_next_comes_in_the_order_of_the_queue(containers: Scene) -> None:
    scene = containers
    plain, own, full = await scene.repo(), await scene.repo(), await scene.repo()
    assert (await scene.db.read(coming, 5, ())).kinds is None
    await set_image(scene, own, APP)
    await set_image(scene, full, "full:1", wip_limit=1)
    await queued(scene, full)
    assert (await scene.db.read(coming, 5, ())).kinds == (Kind("full:1"),)
    cold = await runner_in(scene, "full:1")
    assert await scene.claim(cold) is not None
    for repo in (plain, full, own, plain):  # the second of the full one waits for its limit
        await queued(scene, repo)
    found = await scene.db.read(coming, 5, ())
    assert found.kinds == (WARM, Kind(APP), WARM)
    assert found.busy == {cold.removeprefix("instance-")}
    assert (await scene.db.read(coming, 2, ())).kinds == (WARM, Kind(APP))


async def test_jobs_whose_image_is_of_no_use_fail_and_say_why(containers: Scene) -> None:
    scene = containers
    own, other = await scene.repo(), await scene.repo()
    await set_image(scene, own, APP)
    await set_image(scene, other, "other:2")
    mine, claude, theirs = (
        await queued(scene, own),
        await queued(scene, own, "claude"),
        await queued(scene, other),
    )
    await refuse_image(scene.ctx, APP, "It has no C library.", "claude")
    assert [(await scene.card_row(card)).status for card in (mine, claude)] == [
        "in_progress",
        "failed",
    ]
    await refuse_image(scene.ctx, APP, "It has no git.")
    failed = await scene.card_row(mine)
    assert failed.failure is not None
    assert (failed.status, failed.failure["detail"]) == ("failed", "It has no git.")
    assert failed.failure["reason"] == "setup_failed"
    assert (await scene.card_row(theirs)).status == "in_progress"


async def test_one_of_an_own_image_is_not_woken_in_place_of_another(containers: Scene) -> None:
    scene = containers
    rows = [
        await scene.db.read(find_runner_by_instance, await runner_in(scene, image))
        for image in (APP, None)
    ]
    line = scene.ctx.dispatcher
    cold, usual = [line.join(row.lanes) for row in rows if row is not None]
    line.wake("script")
    assert usual.is_woken
    assert not cold.is_woken
    line.wake_for_room()
    assert cold.is_woken


async def test_a_card_whose_image_is_being_prepared_says_so_and_nobody_waits_behind_it(
    containers: Scene,
) -> None:
    scene = containers
    own, plain = await scene.repo(), await scene.repo()
    await set_image(scene, own, APP)
    await runner_in(scene, None)
    first, second = await queued(scene, own), await queued(scene, plain)
    await scene.db.write(note_preparing, "docker", [APP])
    assert await standing(scene, own) == {first: (1, "image")}
    assert await standing(scene, plain) == {second: (1, None)}

    await scene.db.write(note_preparing, "docker", [])
    assert await standing(scene, own) == {first: (1, None)}
    assert await standing(scene, plain) == {second: (2, None)}


async def standing(scene: Scene, repo: str) -> dict[str, tuple[int, str | None]]:
    """By card its place and what holds it."""

    def look(tx: Tx) -> dict[str, tuple[int, str | None]]:
        waiting = waiting_in(tx, repo, 0, 10)
        found = standings(tx, waiting)
        return {w.card_id: (found[w.job_id].place, found[w.job_id].held_by) for w in waiting}

    return await scene.db.read(look)
