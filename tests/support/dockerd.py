"""A Docker engine of the tests' own, for machines on which none runs: below one directory, gone without
a trace. Needs root. `support.engine` decides who starts and who stops it.

Everything that Docker does to the machine beside its directory is looked up before the start and taken
back afterwards: bridges, packet filter rules, forwarding, control groups. That works on what a killed
run left behind, too, since the notes lie in the directory.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from support.waiting import until

START_S: Final = 60.0
STOP_S: Final = 20.0
SBIN: Final = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
BRIDGE: Final = re.compile(r"docker0|br-[0-9a-f]{12}|lazyaf[\w-]*")
DOCKERS: Final = re.compile(rf"DOCKER|\b(?:{BRIDGE.pattern})\b")
FILTERS: Final = ("iptables", "ip6tables")
FORWARDING: Final = Path("/proc/sys/net/ipv4/ip_forward")
CGROUPS: Final = Path("/sys/fs/cgroup")


class CannotStart(Exception):
    """The engine does not start on this machine; says why."""


class Dockerd:
    """One engine below ``root``. `start`, `stop` and `sweep` are for whoever holds the lock."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.socket = root / "docker.sock"
        self._log = root / "dockerd.log"
        self._notes = root / "before.json"
        self.group = f"lazyaf-tests-{zlib.crc32(os.fsencode(root)):08x}"

    def start(self) -> None:
        """Start it and wait until it answers. Raises `CannotStart` with the end of its log."""
        program = shutil.which("dockerd", path=SBIN)
        if program is None:
            raise CannotStart("dockerd is not installed (apt install docker.io)")
        self.root.mkdir(mode=0o711, exist_ok=True)
        if not self._notes.exists():
            self._notes.write_text(json.dumps(_before()))
        (self.root / "daemon.json").write_text("{}")
        with self._log.open("ab") as log:
            # Nobody's child: it outlives whoever starts it, and others end it.
            subprocess.run(
                ["setsid", "--fork", program, "--host", f"unix://{self.socket}", *self._options()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={**os.environ, "PATH": SBIN},
                check=True,
            )
        try:
            until(self.answers, "dockerd answers", seconds=START_S)
        except AssertionError:
            raise CannotStart(f"dockerd does not answer: {self._log_tail()}") from None

    def _options(self) -> Iterator[str]:
        for name, value in (
            ("config-file", self.root / "daemon.json"),
            ("data-root", self.root / "data"),
            ("exec-root", self.root / "exec"),
            ("pidfile", self.root / "pid"),
            ("exec-opt", "native.cgroupdriver=cgroupfs"),  # the other one wants systemd's names
            ("cgroup-parent", f"/{self.group}"),
            ("shutdown-timeout", 2),
            ("log-level", "warn"),
        ):
            yield from (f"--{name}", str(value))

    def answers(self) -> bool:
        """Whether it is there."""
        return self.socket.exists() and answers(f"unix://{self.socket}")

    def kill(self) -> None:
        """SIGKILL, as when the machine's memory runs out. Containers end with it."""
        self._end(signal.SIGKILL)
        self._end_leftovers()

    def stop(self) -> None:
        """End it in good order and take back what it did to the machine."""
        self._end(signal.SIGTERM)
        self.sweep()

    def sweep(self) -> None:
        """Remove whatever is left of it, running or not, and its directory."""
        if not self.root.exists():
            return
        self._end(signal.SIGKILL)
        self._end_leftovers()
        with contextlib.suppress(OSError, ValueError):
            _restore(json.loads(self._notes.read_text()))
        for folder in sorted(_control_groups(self.group), reverse=True):
            with contextlib.suppress(OSError):
                folder.rmdir()
        shutil.rmtree(self.root, ignore_errors=True)

    def _end(self, number: signal.Signals) -> None:
        """End the daemon by its pid file, if that still means this very engine."""
        try:
            pid = int((self.root / "pid").read_text())
            handle = os.pidfd_open(pid)
        except (OSError, ValueError):
            return
        try:
            if str(self.root) in _command_line(pid):
                signal.pidfd_send_signal(handle, number)
                if not select.select([handle], [], [], STOP_S)[0]:
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
                    select.select([handle], [], [], STOP_S)
        except ProcessLookupError:
            pass
        finally:
            os.close(handle)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        # The next one would believe that it runs for as long as whoever started it has not reaped it.
        (self.root / "pid").unlink(missing_ok=True)

    def _end_leftovers(self) -> None:
        """containerd, its shims, every process of a container, and what they had mounted."""

        def nobody() -> bool:
            pids = {*_members(self.group), *_mentioning(str(self.root / "exec"))}
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not pids

        until(nobody, "the engine's processes are gone", seconds=STOP_S)
        for place in reversed(_mounts_below(self.root)):
            subprocess.run(["umount", "--lazy", place], check=False, capture_output=True)
        # Pid files of what is dead, but maybe not reaped: the next daemon would believe them.
        shutil.rmtree(self.root / "exec", ignore_errors=True)

    def _log_tail(self) -> str:
        with contextlib.suppress(OSError):
            return self._log.read_text("utf-8", "replace")[-1500:]
        return "it left no log"


def answers(host: str | None = None) -> bool:
    """Whether an engine answers at this ``DOCKER_HOST``, or where the command line looks by itself."""
    program = shutil.which("docker")
    if program is None:
        return False
    where = [] if host is None else ["--host", host]
    done = subprocess.run(
        [program, *where, "version", "--format", "{{.Server.Version}}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=START_S,
    )
    return done.returncode == 0


def _before() -> dict[str, object]:
    """What of the machine an engine changes, as it is now."""
    return {
        "links": _links(),
        "filters": {name: _rules(name) for name in FILTERS},
        "forwarding": FORWARDING.read_text().strip(),
    }


def _links() -> list[str]:
    return [name for _, name in socket.if_nameindex()]


def _rules(program: str) -> list[list[str]]:
    """The packet filter as pairs of table and line, in order."""
    path = shutil.which(f"{program}-save", path=SBIN)
    if path is None:
        return []
    done = subprocess.run([path], capture_output=True, text=True, check=False)
    table, found = "", []
    for line in done.stdout.splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith((":", "-")):
            found.append([table, re.sub(r" \[\d+:\d+\]$", "", line)])
    return found


def _restore(before: dict[str, object]) -> None:
    """Take back what is new since ``before`` and Docker's."""
    known = before["links"]
    assert isinstance(known, list)
    for link in _links():
        if link not in known and BRIDGE.fullmatch(link):
            subprocess.run(["ip", "link", "delete", link], check=False, capture_output=True)
    filters = before["filters"]
    assert isinstance(filters, dict)
    for program, rules in filters.items():
        _restore_filter(program, rules)
    FORWARDING.write_text(str(before["forwarding"]))


def _restore_filter(program: str, before: list[list[str]]) -> None:
    new = [(table, line) for table, line in _rules(program) if [table, line] not in before]
    for table, line in new:
        if line.startswith("-A") and DOCKERS.search(line):
            _filter(program, table, f"-D{line[2:]}")
    for table, line in new:
        if line.startswith(":DOCKER"):
            chain = line[1:].split()[0]
            _filter(program, table, f"-F {chain}")
            _filter(program, table, f"-X {chain}")
    if ("filter", ":FORWARD DROP") in new:
        _filter(program, "filter", "-P FORWARD ACCEPT")


def _filter(program: str, table: str, rule: str) -> None:
    path = shutil.which(program, path=SBIN)
    subprocess.run([path or program, "-t", table, *rule.split()], check=False, capture_output=True)


def _control_groups(name: str) -> list[Path]:
    tops = [CGROUPS / name, *CGROUPS.glob(f"*/{name}")]
    return [Path(folder) for top in tops for folder, _, _ in os.walk(top)]


def _members(group: str) -> Iterable[int]:
    """The processes in the engine's containers."""
    for folder in _control_groups(group):
        with contextlib.suppress(OSError):
            yield from map(int, (folder / "cgroup.procs").read_text().split())


def _mentioning(word: str) -> Iterable[int]:
    """The processes whose command line has this word: containerd and its shims."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and word in _command_line(int(entry.name)):
            yield int(entry.name)


def _command_line(pid: int) -> str:
    with contextlib.suppress(OSError):
        return (
            Path("/proc", str(pid), "cmdline")
            .read_bytes()
            .replace(b"\0", b" ")
            .decode("utf-8", "replace")
        )
    return ""


def _mounts_below(root: Path) -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    places = [line.split()[4] for line in lines]
    return [place for place in places if place.startswith(f"{root}/")]
