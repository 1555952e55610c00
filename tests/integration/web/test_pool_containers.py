"""Image and limits of a pool's containers, as a person chooses them. No engine is asked here."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from lazyaf.settings import Settings
from support.app import Served, serving

POOL = "/api/runners/pools/docker"


@pytest.fixture
def settings(tmp_path: Path, migrated_file: Path) -> Settings:
    """Those of a server whose engine is away."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    shutil.copy(migrated_file, data / "lazyaf.db")
    return Settings(
        data_dir=data,
        pool="docker",
        docker_host=f"unix://{tmp_path}/none.sock",
        runner_memory_mb=1000,
        runner_cpus=1.5,
        disk_reserve_mb=0,
    )


async def containers(served: Served) -> dict[str, Any]:
    (pool,) = (await served.person.get("/api/runners")).json()["pools"]
    made: dict[str, Any] = pool["containers"]
    return made


async def test_what_was_chosen_survives_a_restart_until_it_is_taken_back(
    settings: Settings,
) -> None:
    default = {
        "image": "lazyaf-runner:latest",
        "memory_mb": 1000,
        "cpus": 1.5,
        "pids": 1024,
        "disk_mb": 2048,
    }
    async with serving(settings) as served:
        assert await containers(served) == default
        chosen = {"memory_mb": 700, "image": "registry.example.com/ours:1"}
        answer = await served.person.patch(POOL, json=chosen)
        assert answer.json()["pools"][0]["containers"] == {**default, **chosen}
        await served.person.patch(POOL, json={"pids": 99})
    async with serving(settings.model_copy(update={"runner_cpus": 3.0})) as served:
        assert await containers(served) == {**default, **chosen, "pids": 99, "cpus": 3.0}
        answer = await served.person.patch(POOL, json={"memory_mb": None, "image": None})
        (pool,) = answer.json()["pools"]
        assert pool["containers"] == {**default, "pids": 99, "cpus": 3.0}
        assert pool["default_containers"] == {**default, "cpus": 3.0}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("memory_mb", 255),
        ("cpus", 0),
        ("cpus", "many"),
        ("pids", 1),
        ("disk_mb", 1.5),
        ("image", "no image"),
        ("image", "../containers/json"),
        ("swap", 1),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(
    settings: Settings, name: str, value: object
) -> None:
    async with serving(settings) as served:
        before = await containers(served)
        answer = await served.person.patch(POOL, json={name: value})
        assert answer.status_code == 422
        assert name in answer.json()["fields"]
        assert await containers(served) == before


async def test_local_runners_have_no_containers(settings: Settings) -> None:
    async with serving(settings.model_copy(update={"pool": "process"})) as served:
        assert await containers(served) is None
        answer = await served.person.patch("/api/runners/pools/process", json={"cpus": 1})
        assert answer.status_code == 422
        assert "--pool docker" in answer.json()["detail"]
        answer = await served.person.patch(POOL, json={"cpus": 1})
        assert "Pools of this server: process" in answer.json()["detail"]


async def test_a_runner_chooses_nothing(settings: Settings) -> None:
    async with serving(settings) as served:
        answer = await served.runner.patch(POOL, json={"cpus": 1})
        assert (answer.status_code, answer.json()["code"]) == (403, "wrong_token")
