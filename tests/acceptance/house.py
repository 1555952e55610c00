"""A real server with its runners, the scripted model beside it, and repositories to ingest."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import psutil

from fakes.model_server import ModelServer
from fakes.model_turns import Seen
from support.board import Board
from support.files import below
from support.history import bare_copy, make_repository
from support.server import ServerProcess
from support.waiting import until

KEY: Final = "sk-ant-acceptance-0123456789"
CLI_S: Final = 120.0
GONE_S: Final = 10.0
FILES: Final = {"README.md": "# Sample\n\nA repository of the acceptance tests.\n"}


def environment(
    model: ModelServer, scenario: str = "edit-and-commit", **variables: str
) -> dict[str, str]:
    """What the server of a test gets: the scripted model instead of the real one, and haste."""
    return {
        "ANTHROPIC_BASE_URL": model.url(scenario),
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_AUTH_TOKEN": "",
        "CLAUDE_CODE_OAUTH_TOKEN": "",
        "CLAUDE_CODE_MAX_RETRIES": "1",
        "LAZYAF_AGENT_ENV": "CLAUDE_CODE_MAX_RETRIES",
        "LAZYAF_CANCEL_GRACE": "3",
        **variables,
    }


class House:
    """One server and what stands around it. ``root`` is the test's directory."""

    def __init__(self, server: ServerProcess, model: ModelServer, root: Path) -> None:
        self.server = server
        self.model = model
        self.root = root
        self.board = Board(server)

    def start(self) -> House:
        """Start the server, again perhaps."""
        self.server.start()
        return self

    def end(self) -> None:
        """Kill what is left of the server and its runners."""
        left = self.processes()
        if self.server.is_running:
            self.server.kill(tree=True)
        self.server.stop()
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def cli(self, *arguments: str, stdin: str | None = None) -> str:
        """Run a client command that must succeed; what it printed."""
        done = self.try_cli(*arguments, stdin=stdin)
        assert done.returncode == 0, f"lazyaf {arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def try_cli(
        self, *arguments: str, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a client command, whatever comes of it."""
        return subprocess.run(
            [sys.executable, "-m", "lazyaf", *arguments],
            env=self.server.environ(),
            cwd=self.root,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=CLI_S,
        )

    def repository(
        self, name: str, *, commits: int = 3, files: dict[str, str] | None = None
    ) -> Path:
        """Make a checkout with an ``origin`` of its own and ingest it."""
        checkout = make_repository(
            self.root / name, commits=commits, files={**FILES, **(files or {})}
        )
        bare_copy(checkout, self.root / f"{name}-origin.git")
        self.ingest(name, checkout)
        return checkout

    def ingest(self, name: str, checkout: Path) -> None:
        """`lazyaf ingest`."""
        self.cli("ingest", str(checkout), "--name", name)

    def internal(self, name: str) -> Path:
        """The bare repository inside the server's data."""
        repo = self.board.get(f"/api/repos/{name}")
        return self.server.data_dir / "git" / f"{repo['id']}.git"

    def script(self, repo: str, title: str, command: str, **fields: Any) -> str:
        """A card for the scripted agent, which runs this command; its id."""
        return self.board.add(
            repo, title, agent="script", agent_options={"command": command}, **fields
        )

    def claude(self, repo: str, title: str, **params: Any) -> str:
        """A card for Claude Code, whose model plays these parameters; its id."""
        return self.board.add(repo, title, agent="claude", description=description(params))

    def asked(self, title: str) -> list[Seen]:
        """What the model was asked for the card of this title."""
        return [seen for seen in self.model.requests if seen.is_turn and seen.card[1] == title]

    def tree_of(self, marker: str) -> Path:
        """The work tree of a running job in which the agent has made this file."""
        found = until(
            lambda: [p for p in below(self.server.data_dir / "work") if p.name == marker],
            f"{marker} is in a tree",
        )
        return Path(found[0]).parent

    def processes(self) -> list[psutil.Process]:
        """The server, its runners and whatever these have started."""
        roots = [*self.server.runner_pids()]
        if self.server.is_running:
            roots.append(self.server.process.pid)
        found: dict[int, psutil.Process] = {}
        for pid in roots:
            with contextlib.suppress(psutil.NoSuchProcess):
                root = psutil.Process(pid)
                found |= {p.pid: p for p in (root, *root.children(recursive=True))}
        return [process for process in found.values() if is_alive(process)]

    def wait_until_gone(self, processes: list[psutil.Process], *, seconds: float = GONE_S) -> None:
        """Wait until none of these is running."""
        until(
            lambda: not [p for p in processes if is_alive(p)],
            f"these are gone: {processes}",
            seconds=seconds,
        )


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs; a zombie that nobody has buried does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def description(params: dict[str, Any]) -> str:
    """A card's description that tells the scripted model what to play."""
    return f"Please do this.\n\n```json\n{json.dumps(params)}\n```\n"
