"""Servers whose runners are containers of a real engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from acceptance.containers.fleet import Fleet
from acceptance.house import environment
from fakes.model_server import ModelServer
from support.engine import Engine
from support.server import ServerProcess

Launch = Callable[..., Fleet]


@pytest.fixture(scope="session")
def bridge(docker_engine: Engine) -> str:
    """An address of this machine that containers with a way out reach."""
    found = docker_engine.inspect("bridge")
    return str(found["IPAM"]["Config"][0].get("Gateway") or "172.17.0.1")


@pytest.fixture(scope="session")
def model(bridge: str) -> Iterator[ModelServer]:
    """The scripted model, where containers reach it."""
    with ModelServer(host=bridge) as server:
        yield server


@pytest.fixture(scope="session")
def images(runner_image: str, egress_image: str) -> dict[str, str]:
    """The settings that name the images."""
    return {"LAZYAF_RUNNER_IMAGE": runner_image, "LAZYAF_EGRESS_IMAGE": egress_image}


@pytest.fixture
def launch_at(
    docker_engine: Engine, images: dict[str, str], model: ModelServer, tmp_path: Path
) -> Iterator[Launch]:
    """``launch_at(runners=2)``: a server with a pool of containers, for tests that see to the engine
    themselves. Everything that it made is gone at the end."""
    built: list[Fleet] = []

    def make(*, runners: int = 1, **variables: str) -> Fleet:
        root = tmp_path / f"fleet{len(built)}"
        known = {
            **environment(model),
            **images,
            "LAZYAF_DOCKER_HOST": docker_engine.host,
            **variables,
        }
        options = ("--pool", "docker", "--runners", str(runners))
        fleet = Fleet(ServerProcess(root / "data", known, *options), model, root, docker_engine)
        built.append(fleet)
        fleet.start()
        return fleet

    yield make
    for fleet in built:
        fleet.end()


@pytest.fixture
def launch(engine: Engine, launch_at: Launch) -> Launch:
    """As `launch_at`, with an engine that nobody restarts meanwhile."""
    return launch_at
