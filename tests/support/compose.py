"""A compose file of the repository, brought up as a person does it, and a client for the server in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import httpx2

from support.board import Board
from support.engine import Engine
from support.proxy import free_port
from support.tools import untestable
from support.waiting import until

ROOT: Final = Path(__file__).parents[2]
UP_S: Final = 240.0
READY_S: Final = 60.0
NAMES: Final = ("server", "runner", "egress")


class Composed:
    """The services of one file, under a project's name of the test's own, with these images.

    As a context manager it takes everything down again, with volumes and networks. `Board` speaks to it
    as to a server's process.
    """

    def __init__(
        self, engine: Engine, file: str, images: Mapping[str, str], folder: Path, **env: str
    ) -> None:
        self._engine = engine
        self.project = f"lazyaf-test-{uuid.uuid4().hex[:8]}"
        self._tag = self.project
        self._images = dict(images)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data_dir = folder
        self.log_path = folder / "compose.log"
        self.env = {"TAG": self._tag, "LAZYAF_PORT": str(self.port), **env}
        self._words = [*command(), "--project-name", self.project, "--file", str(ROOT / file)]
        self._client: httpx2.Client | None = None
        self.board = Board(self)  # type: ignore[arg-type]  # it looks at what is here

    def __enter__(self) -> Composed:
        for name in NAMES:
            self._engine.docker("tag", self._images[name], f"lazyaf-{name}:{self._tag}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._client is not None:
            self._client.close()
        self.run("down", "--volumes", "--timeout", "20", "--remove-orphans")
        for name in NAMES:
            self._engine.docker("image", "rm", f"lazyaf-{name}:{self._tag}")

    def run(self, *words: str, stdin: str = "") -> str:
        """Run a command of Compose that must succeed; what it printed on stdout."""
        own = {k: v for k, v in os.environ.items() if not k.startswith(("LAZYAF_", "ANTHROPIC_"))}
        done = subprocess.run(
            [*self._words, *words],
            env={**own, **self._engine.environ, **self.env},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=UP_S,
        )
        with self.log_path.open("a") as log:
            log.write(f"$ {words}\n{done.stdout}{done.stderr}\n")
        assert done.returncode == 0, f"compose {words}: {done.stdout}{done.stderr}"
        return done.stdout

    def wait_until_it_answers(self) -> None:
        """Wait for the server."""

        def answers() -> bool:
            try:
                return httpx2.get(f"{self.url}/api/health", trust_env=False).is_success
            except httpx2.TransportError:
                return False

        until(answers, "the server answers", seconds=READY_S)

    def wait_for_runners(self, count: int) -> list[dict[str, Any]]:
        """Wait until so many runners have registered."""

        def there() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = self.board.get("/api/runners")["items"]
            return found if len(found) == count else []

        return until(there, f"{count} runners are there", seconds=READY_S)

    @property
    def token(self) -> str:
        """The person's token, from the data directory."""
        return self.run("exec", "-T", "server", "cat", "/data/token").strip()

    @property
    def client(self) -> httpx2.Client:
        """A client with the person's token."""
        if self._client is None:
            headers = {"Authorization": f"Bearer {self.token}"}
            self._client = httpx2.Client(
                base_url=self.url, headers=headers, timeout=30, trust_env=False
            )
        return self._client


def command() -> list[str]:
    """Compose, as Docker's plug-in or as the older program."""
    docker = shutil.which("docker")
    if docker is not None:
        found = subprocess.run([docker, "compose", "version"], capture_output=True, check=False)
        if found.returncode == 0:
            return [docker, "compose"]
    older = shutil.which("docker-compose")
    if older is None:
        untestable("Compose is not installed (apt install docker-compose)")
    return [older]
