"""A real Docker engine for tests and benchmarks: the machine's own when one answers, otherwise, as root,
one that is started for the tests and removed after them.

There is one for all processes of a machine: who comes first starts it, who leaves last stops it, and
what a killed run left is swept by the next one. Who uses it holds a shared lock, so the kernel itself
counts the living. ``python -m support.engine`` keeps it, and the images in it, between runs.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from support.dockerd import CannotStart, Dockerd, answers
from support.tools import untestable

RUN_S: Final = 120.0
PLACE: Final = Path(tempfile.gettempdir()) / f"lazyaf-engine-{os.geteuid()}"


class Absent(Exception):
    """There is no engine on this machine and none can be started; says why."""


@dataclass(frozen=True)
class Engine:
    """An engine that answers. ``host`` is its ``DOCKER_HOST``, ``program`` the command line, ``own`` the
    daemon when it is the tests' own."""

    host: str
    program: str
    own: Dockerd | None = None
    _using: list[None] = field(default_factory=list)

    @cached_property
    def environ(self) -> dict[str, str]:
        """An environment in which every Docker client finds this engine."""
        left = {k: v for k, v in os.environ.items() if k not in ("DOCKER_CONTEXT", "DOCKER_HOST")}
        return {**left, "DOCKER_HOST": self.host, "DOCKER_BUILDKIT": "1"}

    def docker(self, *words: object, stdin: bytes = b"", seconds: float = RUN_S) -> str:
        """Run the command line, which must succeed; what it printed on stdout."""
        done = self.try_docker(*words, stdin=stdin, seconds=seconds)
        assert done.returncode == 0, f"docker {words}: {done.stdout}{done.stderr}"
        return done.stdout

    def try_docker(
        self, *words: object, stdin: bytes = b"", seconds: float = RUN_S
    ) -> subprocess.CompletedProcess[str]:
        """Run the command line, whatever comes of it."""
        argv = [self.program, *map(str, words)]
        done = subprocess.run(
            argv, env=self.environ, input=stdin, capture_output=True, timeout=seconds
        )
        out, err = (text.decode("utf-8", "replace") for text in (done.stdout, done.stderr))
        return subprocess.CompletedProcess(argv, done.returncode, out, err)

    def inspect(self, name: str) -> Any:
        """What the engine knows about a container, an image, a network."""
        return json.loads(self.docker("inspect", name))[0]

    def has_image(self, tag: str) -> bool:
        """Whether the image is there."""
        return self.try_docker("image", "inspect", tag).returncode == 0

    @contextlib.contextmanager
    def used(self) -> Iterator[None]:
        """Hold off `alone`, in whatever process, for as long as a test or what it shares is here."""
        if self.own is None:
            yield
            return
        with _lock("turn", fcntl.LOCK_EX):
            busy = _open("busy")
            fcntl.flock(busy, fcntl.LOCK_SH)
        self._using.append(None)
        try:
            yield
        finally:
            self._using.pop()
            os.close(busy)

    @contextlib.contextmanager
    def alone(self) -> Iterator[Dockerd]:
        """The daemon with no other test at it, to be killed and started again. Never a person's."""
        assert not self._using, "This test holds the engine itself: it would wait for ever."
        if self.own is None:
            untestable("this would restart the machine's own Docker engine")
        with _lock("turn", fcntl.LOCK_EX), _lock("busy", fcntl.LOCK_EX):
            try:
                yield self.own
            finally:
                if not self.own.answers():
                    self.own.kill()
                    self.own.start()


@contextlib.contextmanager
def engine() -> Iterator[Engine]:
    """The machine's engine. Raises `Absent` where there is none and none can be started."""
    program = _command_line()
    if answers():
        yield Engine(_default_host(program), program)
        return
    if os.geteuid() != 0:
        raise Absent("no Docker engine answers; start yours, or run the tests as root")
    with _mutex():
        users = _open("users")
        daemon = Dockerd(PLACE / "engine")
        try:
            if _nobody_else(users):
                daemon.sweep()
                daemon.start()
            fcntl.flock(users, fcntl.LOCK_SH)
        except CannotStart as error:
            daemon.sweep()
            os.close(users)
            raise Absent(str(error)) from None
    try:
        yield Engine(f"unix://{daemon.socket}", program, daemon)
    finally:
        with _mutex():
            if _nobody_else(users):
                daemon.stop()
                shutil.rmtree(PLACE)
            os.close(users)


@contextlib.contextmanager
def testable() -> Iterator[Engine]:
    """`engine` for fixtures: without one the test is skipped, and in CI it fails."""
    with contextlib.ExitStack() as stack:
        try:
            found = stack.enter_context(engine())
        except Absent as why:
            untestable(str(why))
        yield found


def _command_line() -> str:
    """A ``docker`` that can build: newer ones need a plug-in for that, older ones have it in them."""
    found = [shutil.which("docker"), shutil.which("docker", path="/usr/bin")]
    programs = [program for program in found if program is not None]
    for program in programs:
        if _can_build(program):
            return program
    raise Absent("no docker command that can build: apt install docker.io, or docker-buildx")


def _can_build(program: str) -> bool:
    done = subprocess.run([program, "buildx", "version"], capture_output=True, check=False)
    if done.returncode == 0:
        return True
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    words = said.stdout.split("version ")
    return len(words) == 2 and int(words[1].split(".")[0]) < 23


def _default_host(program: str) -> str:
    """Where the command line finds the machine's engine by itself."""
    if os.environ.get("DOCKER_HOST"):
        return os.environ["DOCKER_HOST"]
    words = [program, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def _open(name: str) -> int:
    return os.open(PLACE / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


@contextlib.contextmanager
def _lock(name: str, how: int) -> Iterator[None]:
    descriptor = _open(name)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _mutex() -> Iterator[None]:
    """One process starts or stops at a time. The lock goes with its directory: who waited for one
    that is gone begins again."""
    while True:
        PLACE.mkdir(mode=0o711, exist_ok=True)
        try:
            descriptor = _open("lock")
        except FileNotFoundError:
            continue
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with contextlib.suppress(FileNotFoundError):
            if os.fstat(descriptor).st_ino == (PLACE / "lock").stat().st_ino:
                break
        os.close(descriptor)
    try:
        yield
    finally:
        os.close(descriptor)


def _nobody_else(users: int) -> bool:
    """Whether this process is the only one with a lock on the file."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _hold() -> None:
    """Keep the engine until this process is told to leave."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt), engine() as kept:
        sys.stdout.write(f"DOCKER_HOST={kept.host}\n")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    _hold()
