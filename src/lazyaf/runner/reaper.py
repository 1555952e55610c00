"""The monitor of an agent without a sandbox: a child subreaper, so that nothing it starts gets away.

Run as a file by a bare interpreter (``python -I -S reaper.py command …``), standard library only. It
stands where bubblewrap would: every descendant stays below it even when it detaches itself, SIGTERM
ends them all, and it ends them itself when the runner dies. Its exit code is the command's.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
SIGNAL_BASE = 128


def children_of(pid: int) -> list[int]:
    """Direct children, which orphans become too."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text("utf-8", "replace")
        except OSError:
            continue
        if int(stat.rsplit(")", 1)[1].split()[1]) == pid:
            found.append(int(entry.name))
    return found


def end_all() -> None:
    """Kill children until there are none: the grandchildren of a killed one become children."""
    while pids := children_of(os.getpid()):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            except (ProcessLookupError, ChildProcessError):
                continue


def go_first() -> None:
    """When memory runs out this is killed before the runner is, which saves the work."""
    try:
        Path("/proc/self/oom_score_adj").write_text("500", "ascii")
    except OSError:
        return  # not this kernel's way


def main(command: list[str]) -> int:
    """Run the command and wait for it, then for nothing to be left."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)

    def leave(_number: int, _frame: object) -> None:
        end_all()
        os._exit(SIGNAL_BASE + signal.SIGKILL)

    # Before there is anything to end: SIGTERM must never leave a child behind.
    signal.signal(signal.SIGTERM, leave)
    monitor = os.getpid()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != monitor:
            os._exit(SIGNAL_BASE + signal.SIGKILL)  # it died before it could take us along
        os.setsid()
        go_first()
        try:
            os.execvp(command[0], command)  # noqa: S606 - the command is the agent's own
        except OSError as error:
            sys.stderr.write(f"{command[0]}: {error.strerror}\n")
            os._exit(127)

    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == child:
            end_all()
            code = os.waitstatus_to_exitcode(status)
            return SIGNAL_BASE - code if code < 0 else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
