"""The unit that docs/how-to/run-as-a-service.md shows, as systemd reads it, and what must not be in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from support.tools import untestable

PAGE: Final = Path(__file__).parents[3] / "docs" / "how-to" / "run-as-a-service.md"
BREAKS_THE_SANDBOX: Final = (
    "ProtectKernelTunables",
    "ProtectKernelLogs",
    "ProcSubset",
    "PrivateUsers",
    "MemoryDenyWriteExecute",
)
SANDBOX: Final = [
    "bwrap",
    *("--unshare-user", "--unshare-pid", "--ro-bind", "/usr", "/usr"),
    *("--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib"),
    *("--symlink", "usr/lib64", "/lib64", "--proc", "/proc", "true"),
]


def unit() -> str:
    found = re.search(r"```ini\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found is not None, f"{PAGE} shows no unit"
    return found[1]


def test_systemd_takes_every_line_of_it(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        untestable("systemd is not installed (apt install systemd)")
    program = "/opt/lazyaf/bin/lazyaf"
    assert program in unit()
    path = tmp_path / "lazyaf.service"
    path.write_text(unit().replace(program, "/usr/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(path)],
        capture_output=True,
        text=True,
    )
    about_it = [line for line in done.stderr.splitlines() if "lazyaf" in line]
    assert (done.returncode, about_it) == (0, [])


def test_what_breaks_the_sandbox_is_left_out_and_the_page_says_so() -> None:
    text = PAGE.read_text("utf-8")
    for directive in BREAKS_THE_SANDBOX:
        assert f"{directive}=" not in unit()
        assert f"`{directive}" in text


def test_runners_are_ended_by_the_server_and_not_beside_it() -> None:
    """systemd's own way would send SIGTERM to the agents, whose jobs would then have failed."""
    assert "KillMode=mixed" in unit()
    assert "OOMPolicy=continue" in unit()


@pytest.mark.bubblewrap
@pytest.mark.parametrize("path", ["/proc/sys", "/proc/kmsg"])
def test_the_kernel_lets_no_sandbox_begin_where_proc_is_covered(path: str) -> None:
    """Why ProtectKernelTunables and ProtectKernelLogs are left out: this is what they do."""
    if shutil.which("bwrap") is None:
        untestable("bubblewrap is not installed")
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        untestable("only root can cover a part of /proc")
    plain = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"]
    assert subprocess.run([*plain, *SANDBOX]).returncode == 0
    cover = f'mount --bind {path} {path} && mount -o remount,bind,ro {path} && exec "$@"'
    covered = subprocess.run(
        ["unshare", "--mount", "sh", "-c", cover, "sh", *plain, *SANDBOX],
        capture_output=True,
        text=True,
    )
    assert covered.returncode != 0
    assert "mount proc" in covered.stderr
