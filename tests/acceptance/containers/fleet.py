"""A server with a pool of containers, and what a test looks at in the engine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from acceptance.house import House
from fakes.model_server import ModelServer
from support.engine import Engine
from support.server import ServerProcess
from support.waiting import until

READY_S: Final = 60.0
UNTIL_GO: Final = "touch started; until [ -e go ]; do sleep 0.1; done; rm go started; "
"""A command that waits for `Fleet.go`."""


class Fleet(House):
    """One server and its containers."""

    def __init__(
        self, server: ServerProcess, model: ModelServer, root: Path, engine: Engine
    ) -> None:
        super().__init__(server, model, root)
        self.engine = engine
        self._id = ""

    @property
    def id(self) -> str:
        """By which the engine tells this server's things from others'."""
        if not self._id:
            pool = self.pool()
            self._id = str(pool["server_id"])
        return self._id

    def pool(self) -> dict[str, Any]:
        """What the API says of the pool."""
        found: dict[str, Any] = self.board.get("/api/runners")["pools"][0]
        return found

    def runners(self, *statuses: str) -> list[dict[str, Any]]:
        """Registered runners, of these statuses if any are named."""
        found = self.board.get("/api/runners")["items"]
        return [each for each in found if not statuses or each["status"] in statuses]

    def wait_for_idle(self, count: int) -> list[dict[str, Any]]:
        """Wait until so many runners wait for jobs, and no more."""
        return until(
            lambda: (found := self.runners("idle")) if len(self.runners("idle")) == count else [],
            f"{count} runners are idle",
            seconds=READY_S,
        )

    def containers(self, role: str = "runner", *, running: bool = True) -> list[str]:
        """The ids of this server's containers."""
        flags = [] if running else ["--all"]
        words = ["--filter", f"label=lazyaf.server={self.id}"]
        words += ["--filter", f"label=lazyaf.role={role}"]
        return self.engine.docker("ps", "-q", "--no-trunc", *flags, *words).split()

    def networks(self) -> list[str]:
        """The names of this server's networks."""
        words = ["--filter", f"label=lazyaf.server={self.id}", "--format", "{{.Name}}"]
        return self.engine.docker("network", "ls", *words).split()

    def container_of(self, runner: str) -> str:
        """The running container of this runner."""
        words = ["--filter", f"label=lazyaf.server={self.id}"]
        words += ["--filter", f"label=lazyaf.runner={runner}"]
        found = self.engine.docker("ps", "-q", "--no-trunc", *words).split()
        assert len(found) == 1, found
        return found[0]

    def at_work(self, card: str) -> tuple[str, str]:
        """Wait until a card's agent has begun (`UNTIL_GO`): its runner, and its container."""

        def look() -> tuple[str, str] | None:
            job = self.board.job(card)
            if job["status"] != "running" or job["runner_name"] is None:
                return None
            container = self.container_of(job["runner_name"])
            found = self.engine.try_docker(
                "exec", container, "sh", "-c", "ls /data/work/trees/*/work/started"
            )
            return (job["runner_name"], container) if found.returncode == 0 else None

        place = until(look, "the agent has begun", seconds=READY_S)
        assert place is not None
        return place

    def go(self, container: str) -> None:
        """Let the agent in this container go on."""
        self.engine.docker("exec", container, "sh", "-c", "cd /data/work/trees/*/work && touch go")

    def python(self, container: str, program: str, *words: str) -> Any:
        """What a program prints as JSON that runs inside a container as its user."""
        argv = ["exec", "-i", container, "python3", "-", *words]
        return json.loads(self.engine.docker(*argv, stdin=program.encode()))

    def end(self) -> None:
        """Kill the server and remove what it made."""
        server = self._id or (self.server.is_running and self.id)
        super().end()
        if server:
            self._remove("ps", "-aq", ["rm", "-fv"], str(server))
            self._remove("network", "ls", ["network", "rm"], str(server))
            self._remove("volume", "ls", ["volume", "rm"], str(server))

    def _remove(self, kind: str, flag: str, remove: Sequence[str], server: str) -> None:
        quiet = [flag] if kind == "ps" else ["ls", "-q"]
        words = [kind, *quiet, "--filter", f"label=lazyaf.server={server}"]

        def is_gone() -> bool:
            found = self.engine.docker(*words).split()
            if found:  # the engine may be at it already, for the server that was killed
                self.engine.try_docker(*remove, *found)
            return not found

        until(is_gone, "what the server made is gone")
