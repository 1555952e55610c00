"""Where queued checks stand, what holds them, and the agents' jobs beside them."""

from __future__ import annotations

import pytest

from factories.checked import TESTS, Checked
from factories.scene import Scene
from lazyaf.domain.containers import WARM, Kind
from lazyaf.domain.events import PERSON
from lazyaf.services.list_cards import queue_of
from lazyaf.services.own_images import coming, note_preparing
from lazyaf.services.runners import drain_runner, show_runners
from lazyaf.services.settings import edit_settings

Standing = tuple[str | None, int, str | None]


@pytest.fixture
def checked(scene: Scene) -> Checked:
    return Checked(scene)


async def line(scene: Scene, repo: str | None = None) -> list[Standing]:
    """Card, place and hold of each queued job, in their order."""
    items, _ = await scene.db.read(queue_of, repo, 0, 100)
    return [(one["card_id"], one["queue_position"], one["held_by"]) for one in items]


async def started(scene: Scene, repo: str, **fields: object) -> str:
    card = await scene.card(repo, **fields)
    await scene.start(card)
    return card


async def everyone_leaves(scene: Scene) -> None:
    for runner in await scene.db.read(show_runners):
        await scene.db.write(drain_runner, runner["name"])


async def test_checks_go_first_and_nobody_counts_the_other_line(
    scene: Scene, checked: Checked
) -> None:
    repo, other = await scene.repo(), await scene.repo()
    lower, upper = [(await scene.in_review(repo))[0] for _ in range(2)]
    await checked.settings(repo, checks=[TESTS])
    urgent, usual = await started(scene, other, priority=4), await started(scene, repo)
    told = await line(scene)
    assert told == [(upper, 1, None), (lower, 2, None), (urgent, 1, None), (usual, 2, None)]
    assert await line(scene, repo) == [told[0], told[1], told[3]]
    given = [(await scene.claimed(await scene.runner())).task.card_id for _ in told]
    assert given == [card for card, _, _ in told]


async def test_checks_wait_for_any_runner_that_takes_jobs(scene: Scene, checked: Checked) -> None:
    repo = await checked.repo()
    card, _ = await checked.in_review(repo)
    waiting = await started(scene, repo, agent="script")
    await everyone_leaves(scene)
    assert await line(scene) == [(card, 1, "no_runner"), (waiting, 1, "no_runner")]
    assert await scene.claim("instance-runner-2") is None
    await scene.runner("of-no-agent", agents=[])
    assert await line(scene) == [(card, 1, "no_runner"), (waiting, 1, "no_runner")]
    assert await scene.claim("instance-of-no-agent") is None
    of_another = await scene.runner(agents=["claude"])
    assert await line(scene) == [(card, 1, None), (waiting, 1, "no_runner")]
    assert (await scene.claimed(of_another)).task.card_id == card


async def test_no_limit_holds_checks(scene: Scene, checked: Checked) -> None:
    repo, other = await checked.repo(), await scene.repo()
    await scene.working(repo)
    card, _ = await checked.in_review(repo)
    await checked.settings(repo, wip_limit=1)
    await scene.db.write(edit_settings, {"agent_limits": {"script": 1}}, PERSON)
    there, elsewhere = await started(scene, repo), await started(scene, other)
    held = [(there, 1, "repo_limit"), (elsewhere, 1, "agent_limit")]
    assert await line(scene) == [(card, 1, None), *held]
    await checked.claim()
    assert await line(scene) == held
    assert await checked.is_idle()


async def test_checks_are_held_by_a_pause_and_by_an_image_that_is_not_ready(
    scene: Scene, checked: Checked
) -> None:
    scene.ctx.supplies.own_images = True
    own, plain = await scene.repo(), await scene.repo()
    theirs, ours = [(await scene.in_review(repo))[0] for repo in (own, plain)]
    await checked.settings(own, checks=[TESTS], image="app:1")
    await checked.settings(plain, checks=[TESTS])
    await scene.db.write(note_preparing, "docker", ["app:1"])
    assert await line(scene) == [(ours, 1, None), (theirs, 1, "image")]
    await scene.db.write(note_preparing, "docker", [])
    assert await line(scene) == [(ours, 1, None), (theirs, 2, None)]
    await scene.db.write(edit_settings, {"claims_paused": True}, PERSON)
    assert await line(scene) == [(ours, 1, "paused"), (theirs, 2, "paused")]
    assert await checked.is_idle()
    await scene.db.write(edit_settings, {"claims_paused": False}, PERSON)
    assert (await checked.claim()).task.card_id == ours


async def test_a_pool_needs_containers_for_checks_first(scene: Scene, checked: Checked) -> None:
    scene.ctx.supplies.own_images = True
    own, plain = await checked.repo(), await scene.repo()
    await checked.in_review(own)
    await checked.settings(own, image="app:1")
    await started(scene, plain, priority=4)
    assert (await scene.db.read(coming, 2, ())).kinds == (Kind("app:1"), WARM)
