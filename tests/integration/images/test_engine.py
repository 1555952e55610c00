"""The engine that the tests start themselves comes and goes without a trace, also when it is killed.

In a network namespace and a directory of its own, beside whatever engine the other tests use.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from support import dockerd
from support.engine import Engine
from support.tools import untestable

TESTS = Path(__file__).parents[2]
END_S = 60


class Holder:
    """A process that keeps the engine below ``tmp``, in the network namespace ``net`` or a new one."""

    def __init__(self, tmp: Path, net: int | None = None) -> None:
        inside = ["unshare", "--net"] if net is None else ["nsenter", f"--net=/proc/self/fd/{net}"]
        self._child = subprocess.Popen(
            [*inside, sys.executable, "-m", "support.engine"],
            env={
                **os.environ,
                "TMPDIR": str(tmp),
                "PYTHONPATH": str(TESTS),
                "DOCKER_HOST": "unix:///nowhere",  # not the machine's own
            },
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=() if net is None else (net,),
        )

    def engine(self) -> Engine:
        """Its engine, once that answers."""
        assert self._child.stdout is not None
        said = self._child.stdout.readline()
        assert said.startswith("DOCKER_HOST=")
        return Engine(said.strip().partition("=")[2], "/usr/bin/docker")

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send it a signal and wait for its end, unless it has ended."""
        self._child.send_signal(number)
        self._child.wait(END_S)
        assert self._child.stdout is not None
        self._child.stdout.close()


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A short directory: the path of a socket has at most 107 bytes."""
    if os.geteuid() != 0 or shutil.which("dockerd", path=dockerd.SBIN) is None:
        untestable("starting a Docker engine takes root and dockerd (apt install docker.io)")
    place = tmp_path_factory.mktemp("e")
    yield place
    for root in place.glob("*/engine"):
        dockerd.Dockerd(root).sweep()


@pytest.fixture
def hold(place: Path) -> Iterator[Callable[..., Holder]]:
    """Make a process that keeps the engine, in this network namespace or a new one."""
    made: list[Holder] = []

    def hold(net: int | None = None) -> Holder:
        made.append(Holder(place, net))
        return made[-1]

    yield hold
    for holder in made:
        holder.end()


def test_the_last_to_leave_takes_everything_along(place: Path, hold: Callable[..., Holder]) -> None:
    first = hold()
    engine = first.engine()
    with namespace_of(place) as net:
        second = hold(net)
        assert second.engine().host == engine.host

        first.end()
        assert engine.docker("ps", "--quiet") == ""

        second.end()
        assert traces(place, net) == []


def test_what_a_killed_run_left_is_swept(place: Path, hold: Callable[..., Holder]) -> None:
    killed = hold()
    engine = killed.engine()
    with namespace_of(place) as net:
        sleeper = a_sleeping_container(engine)
        killed.end(signal.SIGKILL)
        os.kill(daemon_of(place), signal.SIGKILL)
        assert lives(sleeper)

        after = hold(net)
        assert after.engine().docker("ps", "--all", "--quiet") == ""
        assert not lives(sleeper)

        after.end()
        assert traces(place, net) == []


def test_one_that_was_killed_starts_again_where_it_was(
    place: Path, hold: Callable[..., Holder]
) -> None:
    """Also when its parent has not noticed: tests of other processes restart it."""
    holder = hold()
    engine = holder.engine()
    with namespace_of(place) as net:
        a_sleeping_container(engine)
        script = (
            "import sys, pathlib; from support.dockerd import Dockerd;"
            "daemon = Dockerd(pathlib.Path(sys.argv[1])); daemon.kill(); daemon.start()"
        )
        inside = ["nsenter", f"--net=/proc/self/fd/{net}", sys.executable, "-c", script]
        environ = {**os.environ, "PYTHONPATH": str(TESTS)}
        subprocess.run([*inside, root_of(place)], env=environ, pass_fds=[net], check=True)

        assert "sleeper" in engine.docker("images")
        assert engine.docker("ps", "--quiet") == ""
        holder.end()
        assert traces(place, net) == []


def daemon_of(place: Path) -> int:
    """The daemon's process id."""
    return int(next(place.glob("*/engine/pid")).read_text())


@contextlib.contextmanager
def namespace_of(place: Path) -> Iterator[int]:
    """A descriptor of the network namespace that the engine is in, which keeps it."""
    descriptor = os.open(f"/proc/{daemon_of(place)}/ns/net", os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def lives(pid: int) -> bool:
    """Whether it runs; one that waits to be reaped does not."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def a_sleeping_container(engine: Engine) -> int:
    """Start one from an image with nothing but ``sleep`` in it; its process id."""
    packed = io.BytesIO()
    linked = subprocess.run(["ldd", "/bin/sleep"], capture_output=True, text=True, check=True)
    with tarfile.open(fileobj=packed, mode="w", dereference=True) as archive:
        for path in ["/bin/sleep", *re.findall(r"(/\S+) \(0x", linked.stdout)]:
            archive.add(path)
    engine.docker("import", "-", "sleeper", stdin=packed.getvalue())
    name = engine.docker("run", "--detach", "sleeper", "/bin/sleep", "600").strip()
    pid: int = engine.inspect(name)["State"]["Pid"]
    return pid


def traces(place: Path, net: int) -> list[str]:
    """What is still there of an engine."""
    inside = ["nsenter", f"--net=/proc/self/fd/{net}"]
    found = list(map(str, place.iterdir()))
    for command, trace in (
        (["ip", "-brief", "link"], r"docker0|veth|br-"),
        (["iptables-save"], r"DOCKER|DROP"),
        (["cat", "/proc/self/mountinfo"], re.escape(str(place))),
        (["ps", "-e", "-o", "args"], re.escape(f"{place}/")),
        (["find", "/sys/fs/cgroup", "-name", dockerd.Dockerd(root_of(place)).group], "lazyaf"),
    ):
        done = subprocess.run([*inside, *command], pass_fds=[net], capture_output=True, text=True)
        found += [line for line in done.stdout.splitlines() if re.search(trace, line)]
    return found


def root_of(place: Path) -> Path:
    """Where the engine below a temporary directory is."""
    return place / f"lazyaf-engine-{os.geteuid()}" / "engine"
