"""How a client command fails: one clear sentence and an exit code, which is part of the contract."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import click


class ExitCode(IntEnum):
    """What the status of a client command says."""

    FAILED = 1
    """The server (or git) refused, or something failed."""
    USAGE = 2
    """The command line cannot be understood."""
    UNREACHABLE = 3
    """The server does not answer."""
    UNAUTHORISED = 4
    """The server answers, but the token is missing or not good for this."""


class Failure(click.ClickException):
    """Something failed; the message is one clear sentence."""

    exit_code = ExitCode.FAILED


class Refused(Failure):
    """The server said no: ``code`` is stable, ``problem`` the whole answer."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code", "http_error"))
        self.problem = problem
        self.detail = str(problem.get("detail") or f"The server answered {status}.")
        files = [f"\n  {name}" for name in problem.get("files") or ()]
        super().__init__(f"{self.detail} [{self.code}]{''.join(files)}")


class Unreachable(Failure):
    """Nobody listens there, or the connection broke."""

    exit_code = ExitCode.UNREACHABLE


class Unauthorised(Failure):
    """No token, or one that the server does not take."""

    exit_code = ExitCode.UNAUTHORISED
