"""A server looks after its repositories by itself, and leaves in time while it does."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from lazyaf.git.condition import condition
from support.files import below
from support.history import git, make_repository
from support.server import ServerProcess
from support.waiting import until


def backdate(repository: Path, seconds: float) -> None:
    """As if nobody had written to it for so long."""
    then = time.time() - seconds
    for path in (repository, *below(repository)):
        with contextlib.suppress(FileNotFoundError):
            os.utime(path, (then, then))


def test_an_idle_repository_is_packed_by_the_server_itself(tmp_path: Path) -> None:
    clone = make_repository(tmp_path / "clone", commits=300, files={"readme.md": "x\n" * 99})
    with ServerProcess(tmp_path / "data", {"LAZYAF_UPKEEP": "0.2"}, "--pool", "none") as server:
        repo = server.client.post("/api/repos/ingest", json={"name": "demo"}).json()
        url = server.url.replace("://", f"://lazyaf:{server.token}@")
        git(clone, "push", "-q", f"{url}/git/{repo['id']}.git", "main")
        git(clone, "push", "-q", f"{url}/git/{repo['id']}.git", *(f"main:t/{n}" for n in range(60)))
        path = server.data_dir / "git" / f"{repo['id']}.git"
        assert condition(path).loose_refs > 60
        backdate(path, 120)
        until(lambda: condition(path).has_commit_graph, "the upkeep is done")
        assert condition(path).loose_refs == 0
        assert git(clone, "ls-remote", f"{url}/git/{repo['id']}.git", "main").startswith(
            git(clone, "rev-parse", "main")
        )
        assert server.stop() == 0
