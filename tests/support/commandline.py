"""The command line in this process, and git in a directory, for tests of what people type."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click.testing

from lazyaf.cli import main
from lazyaf.git import command

COMMIT: Final = "echo more >> README.md && git commit -qam 'Say more'"
"""What a script does that changes something."""


@dataclass(frozen=True)
class Lazyaf:
    """``lazyaf`` as its user types it, with an environment of its own."""

    env: dict[str, str]

    def __call__(self, *args: object, stdin: str | None = None, **env: str) -> click.testing.Result:
        """Run a command; its output and exit code."""
        runner = click.testing.CliRunner()
        words = [str(arg) for arg in args]
        result = runner.invoke(main, words, input=stdin, env={**self.env, **env})
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def json(self, *args: object, **env: str) -> Any:
        """Run a command with ``--json``, which must succeed."""
        result = self(*args, "--json", **env)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def in_review(self, repo: str, script: str = COMMIT) -> int:
        """The number of a new card whose work, that of this script, waits for a person."""
        card = self.json("card", "add", repo, "-t", "Say more", "--command", script, "--start")
        followed = self("card", "log", repo, card["number"], "--follow")
        assert followed.exit_code == 0, followed.output
        assert self.json("card", "show", repo, card["number"])["status"] == "in_review"
        return int(card["number"])


@dataclass(frozen=True)
class Git:
    """git in one directory."""

    path: Path

    def __call__(self, *args: str) -> str:
        """Run git here; its output."""
        return command.run_sync(args, cwd=self.path).text

    def commit(self, name: str = "README.md", text: str = "Hello\n", message: str = "Work") -> str:
        """Write a file and commit it; the commit's id."""
        (self.path / name).write_text(text)
        self("add", "--", name)
        self("commit", "--quiet", "-m", message)
        return self("rev-parse", "HEAD")
