"""A real server for all of this folder, repositories on it, and a person's clone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from conformance.client import Clone, Repository, new_clone
from support.app import served
from support.database import migrated_file
from support.history import make_repository
from support.server import ServerProcess

__all__ = ["migrated_file", "served"]

COMMITS = 60
_numbers = count(1)

NewRepository = Callable[..., Repository]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server without runners."""
    data = tmp_path_factory.mktemp("conformance") / "data"
    with ServerProcess(data, None, "--pool", "none") as server:
        yield server


def make(server: ServerProcess, **fields: str) -> Repository:
    """An empty repository on this server."""
    name = f"conformance-{next(_numbers)}"
    made = server.client.post("/api/repos", json={"name": name, **fields})
    assert made.status_code == 201, made.text
    return Repository(server, made.json()["id"], name)


@pytest.fixture(scope="session")
def new_repository(server: ServerProcess) -> NewRepository:
    """Makes an empty repository."""

    def new(**fields: str) -> Repository:
        return make(server, **fields)

    return new


@pytest.fixture
def repo(new_repository: NewRepository) -> Repository:
    """An empty repository."""
    return new_repository()


@pytest.fixture
def work(tmp_path: Path, repo: Repository) -> Clone:
    """A person's repository with one commit on main, nothing of which is pushed yet."""
    work = new_clone(tmp_path / "work", repo.url)
    work.commit({"a.txt": "one\n"})
    return work


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """What `library` was pushed from: a minute between two commits, branches, and tags of both kinds."""
    folder = tmp_path_factory.mktemp("source") / "source"
    files = {f"docs/page{n}.md": f"{n}\n" * 50 for n in range(20)}
    source = Clone(make_repository(folder, commits=COMMITS, files=files))
    source("branch", "old", "main~20")
    source("branch", "topic/one", "main~5")
    source("tag", "light", "main~30")
    source("tag", "-a", "-m", "Version 1", "v1", "main~10")
    return source


@pytest.fixture(scope="session")
def library(new_repository: NewRepository, source: Clone) -> Repository:
    """A repository with a history, only to be read."""
    library = new_repository()
    source("push", "-q", library.url, "--all")
    source("push", "-q", library.url, "--tags")
    return library


@pytest.fixture
def reader(tmp_path: Path) -> Clone:
    """A directory to clone into from."""
    return new_clone(tmp_path / "reader")


@pytest.fixture(params=["0", "1", "2"], ids=["v0", "v1", "v2"])
def protocol(request: pytest.FixtureRequest) -> str:
    """Each version of git's wire protocol."""
    version: str = request.param
    return version
