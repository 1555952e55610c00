"""What tests of any folder may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.engine import Engine, testable
from support.images import image

IMAGES_S = 900


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for the engine may be the one that waits for it, and for its images."""
    for item in items:
        if "docker_engine" in getattr(item, "fixturenames", ()):
            item.add_marker("docker")
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(IMAGES_S))


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[Engine]:
    """The Docker engine, for fixtures that live longer than a test: they enter its `used`."""
    with testable() as engine:
        yield engine


@pytest.fixture
def engine(docker_engine: Engine) -> Iterator[Engine]:
    """The Docker engine, which nobody restarts while this test runs."""
    with docker_engine.used():
        yield docker_engine


@pytest.fixture(scope="session")
def runner_image(docker_engine: Engine) -> str:
    """The tag of the runner's image, of this very checkout."""
    with docker_engine.used():
        return image(docker_engine, "runner").tag


@pytest.fixture(scope="session")
def egress_image(docker_engine: Engine) -> str:
    """The tag of the image of proxy and relay, of this very checkout."""
    with docker_engine.used():
        return image(docker_engine, "egress").tag


@pytest.fixture(scope="session")
def server_image(docker_engine: Engine) -> str:
    """The tag of the server's image, of this very checkout."""
    with docker_engine.used():
        return image(docker_engine, "server").tag
