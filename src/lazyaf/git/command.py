"""The one way a git child is started.

Everyone who needs git comes here: the server, the runner and the CLI. A child gets an environment
built from nothing (a variable that leaks is readable from hooks), a session of its own so that it
can be ended with its children, and never a secret in its arguments. This module never logs.
"""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import subprocess
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lazyaf.domain.errors import GitFailed
from lazyaf.git.child import Child

IDENTITY: Final = ("LazyAF", "lazyaf@localhost")
"""Name and address of what git writes when nobody else is named."""

DEFAULT_TIMEOUT: Final = 120.0
"""Seconds that a child which is no transfer may take."""

OLDEST: Final = (2, 38)
"""The oldest git that will do."""

READ_SIZE: Final = 65_536


@dataclass(frozen=True, slots=True)
class Completed:
    """How a child ended: its status, its output as bytes, its complaints as text."""

    returncode: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        """The output as text without the last newline."""
        return self.stdout.decode(errors="replace").rstrip("\n")


def child_env(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a git child, built from nothing but ``PATH``; ``extra`` wins."""
    name, email = IDENTITY
    env = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": name,
        "GIT_AUTHOR_EMAIL": email,
        "GIT_COMMITTER_NAME": name,
        "GIT_COMMITTER_EMAIL": email,
    }
    env.update(extra or {})
    return env


def config_env(settings: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Git settings as ``GIT_CONFIG_*`` variables, for values that no process list may show."""
    env = {"GIT_CONFIG_COUNT": str(len(settings))}
    for index, (key, value) in enumerate(settings):
        env[f"GIT_CONFIG_KEY_{index}"] = key
        env[f"GIT_CONFIG_VALUE_{index}"] = value
    return env


def auth_env(url: str, username: str, password: str) -> dict[str, str]:
    """Variables that make a child send Basic credentials to ``url`` and below, and nowhere else.

    For ``child_env(extra=…)``. The secret is never in argv and never in the URL.
    """
    token = base64.b64encode(f"{username}:{password}".encode()).decode("ascii")
    return config_env([(f"http.{url}.extraHeader", f"Authorization: Basic {token}")])


async def start(
    args: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: int | None = PIPE,
    stdout: int | None = PIPE,
    stderr: int | None = PIPE,
    pass_fds: Sequence[int] = (),
    niceness: int = 0,
) -> Child:
    """Start ``git <args>`` for a stream; the caller pumps, waits and, if need be, calls `Child.signal`.

    ``env`` is the whole environment (`child_env` by default); by ``niceness`` the child and its own
    children stand back.
    """
    child = await Child.start(
        ["git", *args],
        env=child_env() if env is None else env,
        cwd=cwd,
        streams=(stdin, stdout, stderr),
        pass_fds=pass_fds,
    )
    if niceness:
        with suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PGRP, child.pid, niceness)
    return child


async def reap(child: Child) -> None:
    """End a child of `start` with its own children, if it still runs, and let go of its streams."""
    if child.returncode is None:
        child.signal(signal.SIGKILL)
    child.close_streams()
    await child.wait()


async def run(
    args: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    check: bool = True,
    ok: Sequence[int] = (0,),
    timeout: float | None = DEFAULT_TIMEOUT,  # noqa: ASYNC109 - it also ends the child
    niceness: int = 0,
) -> Completed:
    """Run ``git <args>`` to its end and return what it said.

    ``args`` come without ``git`` itself; ``env`` is the whole environment, ``niceness`` as in
    `start`. Raises `GitFailed` with git's words when the status is not in ``ok`` (unless ``check``
    is false) or after ``timeout`` seconds. The child never outlives the call.
    """
    source = DEVNULL if stdin is None else PIPE
    process = await start(args, cwd=cwd, env=env, stdin=source, niceness=niceness)
    try:
        async with asyncio.timeout(timeout):
            stdout, stderr = await process.communicate(stdin)
    except TimeoutError:
        raise GitFailed(f"git {_verb(args)} took longer than {timeout:g} s.") from None
    finally:
        await reap(process)
    return _judge(args, process.returncode or 0, stdout, stderr, ok if check else None)


def run_sync(
    args: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    check: bool = True,
    ok: Sequence[int] = (0,),
    timeout: float | None = DEFAULT_TIMEOUT,
) -> Completed:
    """`run` for threads and the command line."""
    with subprocess.Popen(
        ["git", *args],
        cwd=cwd,
        env=dict(child_env() if env is None else env),
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            stdout, stderr = process.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            raise GitFailed(f"git {_verb(args)} took longer than {timeout:g} s.") from None
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
    return _judge(args, process.returncode, stdout, stderr, ok if check else None)


def run_attached(
    args: Sequence[str], *, env: Mapping[str, str], on_stderr: Callable[[bytes], None]
) -> Completed:
    """Run ``git <args>`` for the person at this terminal; its status is the caller's to judge.

    Unlike every other child it stays in the terminal's session: ssh and credential helpers can ask
    there, and Ctrl+C reaches it. ``on_stderr`` is told what it says while it says it.
    """
    with (
        tempfile.TemporaryFile() as stdout,
        subprocess.Popen(
            ["git", *args],
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
        ) as process,
    ):
        said = bytearray()
        while process.stderr is not None and (piece := os.read(process.stderr.fileno(), READ_SIZE)):
            said += piece
            on_stderr(piece)
        returncode = process.wait()
        stdout.seek(0)
        return Completed(returncode, stdout.read(), said.decode(errors="replace").strip())


def _judge(
    args: Sequence[str], returncode: int, stdout: bytes, stderr: bytes, ok: Sequence[int] | None
) -> Completed:
    completed = Completed(returncode, stdout, stderr.decode(errors="replace").strip())
    if ok is not None and returncode not in ok:
        raise GitFailed(failure(_verb(args), completed.returncode, completed.stderr))
    return completed


def failure(verb: str, returncode: int, stderr: str) -> str:
    """One sentence on a child that failed, with git's own words."""
    return f"git {verb} ended with status {returncode}: {stderr[-2_000:] or 'it said nothing'}"


def _verb(args: Sequence[str]) -> str:
    """The subcommand, past git's own options (of which ``-c`` and ``-C`` take a value)."""
    words = iter(args)
    for word in words:
        if word in {"-c", "-C"}:
            next(words, None)
        elif not word.startswith("-"):
            return word
    return "command"
