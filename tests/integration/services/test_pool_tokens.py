"""A container's token is good for one registration (R4)."""

from __future__ import annotations

import pytest

from factories.scene import Scene
from lazyaf.domain.errors import Forbidden
from lazyaf.protocol.messages import RegisterRequest
from lazyaf.services.pool_tokens import make_pool_token, stray_pool_tokens
from lazyaf.services.runners import register_runner
from lazyaf.services.tokens import show_tokens

NOW = "2026-01-01T00:00:00.000Z"


def request(name: str, instance: str) -> RegisterRequest:
    return RegisterRequest(name=name, instance_id=instance, version="1", protocol=1)


async def made(scene: Scene, runner: str = "docker-1") -> str:
    token_id = scene.new_id()
    await scene.db.write(make_pool_token, token_id, runner, f"secret of {token_id}", NOW)
    return token_id


async def test_the_same_process_may_come_again(scene: Scene) -> None:
    token = await made(scene)
    first = await register_runner(scene.ctx, request("docker-1", "instance-a"), token)
    again = await register_runner(scene.ctx, request("docker-1", "instance-a"), token)
    assert first.runner_id == again.runner_id


async def test_another_process_or_another_name_is_refused(scene: Scene) -> None:
    token = await made(scene)
    with pytest.raises(Forbidden, match="used up") as refused:
        await register_runner(scene.ctx, request("docker-2", "instance-b"), token)
    assert refused.value.code == "token_used"
    await register_runner(scene.ctx, request("docker-1", "instance-a"), token)
    with pytest.raises(Forbidden, match="used up"):
        await register_runner(scene.ctx, request("docker-1", "instance-b"), token)


async def test_people_do_not_see_them_and_strays_are_found(scene: Scene) -> None:
    kept, stray = await made(scene, "docker-1"), await made(scene, "docker-2")
    assert await scene.db.read(show_tokens, NOW, None) == []
    assert await scene.db.read(stray_pool_tokens, {kept}) == [stray]
