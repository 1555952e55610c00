"""A real ssh host: OpenSSH's server on a free port, as a process of the test's own."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.tools import untestable
from support.waiting import until

CONFIG = """\
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/authorized
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
LogLevel VERBOSE
"""


@dataclass(frozen=True)
class SshHost:
    """Where it is, and what decides whom it lets in."""

    folder: Path
    port: int

    def url(self, path: Path) -> str:
        """The URL of a repository on this machine."""
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{path}"

    def let_in(self, public_key: str) -> None:
        """What a person does on the page of deploy keys."""
        (self.folder / "authorized").write_text(f"{public_key}\n")

    @property
    def log(self) -> str:
        """What the server wrote down."""
        return (self.folder / "log").read_text()

    @contextmanager
    def running(self) -> Iterator[None]:
        """With the host key that lies there."""
        program = shutil.which("sshd") or "/usr/sbin/sshd"
        config = self.folder / "sshd_config"
        config.write_text(CONFIG.format(port=self.port, folder=self.folder))
        with (self.folder / "log").open("a") as log:
            server = subprocess.Popen([program, "-D", "-e", "-f", str(config)], stderr=log)
        try:
            until(lambda: self._answers() or server.poll() is not None, "sshd listens")
            assert server.poll() is None, self.log
            yield
        finally:
            server.terminate()
            server.wait()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def fingerprint(self) -> str:
        """SHA256:… of the host's key, as ssh-keygen says it."""
        words = ["ssh-keygen", "-lf", str(self.folder / "host.pub")]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()[1]

    def new_host_key(self) -> None:
        """Another key than before."""
        for name in ("host", "host.pub"):
            (self.folder / name).unlink(missing_ok=True)
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / "host")]
        subprocess.run(words, check=True)


def make_ssh_host(folder: Path) -> SshHost:
    """A host that lets nobody in yet, and does not run."""
    if not (shutil.which("sshd") or Path("/usr/sbin/sshd").exists()):
        untestable("sshd is not installed (apt install openssh-server)")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where it wants to be confined
    folder.mkdir()
    (folder / "authorized").touch()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        host = SshHost(folder, taken.getsockname()[1])
    host.new_host_key()
    return host
