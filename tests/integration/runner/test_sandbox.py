"""What an agent may try: every attempt to leave the sandbox must fail."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from factories.runner_rig import HOST_ENV, Rig
from lazyaf.domain.errors import GitFailed
from lazyaf.domain.jobs import StopReason
from lazyaf.runner import bubblewrap, processes
from lazyaf.runner.bubblewrap import Bubblewrap
from lazyaf.runner.sandbox import Captured, Sandbox, Unsandboxed, View, capture

pytestmark = pytest.mark.bubblewrap


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    path = tmp_path / "trees" / "tree"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def boxed(tmp_path: Path, bubblewrap: None) -> Bubblewrap:
    data = tmp_path / "data"
    data.mkdir()
    (data / "token").write_text("s3cret")
    return Bubblewrap(hide=(data,))


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def of_process(pid: int, name: str) -> bytes:
    return Path(f"/proc/{pid}/{name}").read_bytes()


async def sh(sandbox: Sandbox, tree: Path, script: str, **env: str) -> Captured:
    view = View(cwd=tree, env={**HOST_ENV, **env}, writable=(tree,))
    return await capture(sandbox, ["sh", "-c", script], view, seconds=20)


async def test_only_the_work_tree_can_be_written(boxed: Bubblewrap, tree: Path) -> None:
    done = await sh(
        boxed, tree, "echo x > file; for d in / /usr /etc /opt; do touch $d/x && echo $d; done"
    )

    assert done.text == ""
    assert (tree / "file").read_text() == "x\n"


async def test_data_homes_and_other_trees_are_not_there(
    boxed: Bubblewrap, tree: Path, tmp_path: Path
) -> None:
    (tree.parent / "other").mkdir()
    (tree.parent / "other" / "secret").write_text("s3cret")
    done = await sh(
        boxed,
        tree,
        f"cat {tmp_path}/data/token {tree.parent}/other/secret /proc/1/environ; "
        "ls /home /run; ls -A /root | grep -v -e pyenv -e cargo; test -e /etc/shadow && cat /etc/shadow",
    )

    assert "s3cret" not in done.text
    assert done.text.split() in ([], ["/home:", "/run:"])


async def test_a_hidden_directory_inside_a_shown_one_stays_hidden(
    tree: Path, tmp_path: Path
) -> None:
    shown = tmp_path / "tools" / "bin"
    hidden = tmp_path / "tools" / "data"
    shown.mkdir(parents=True)
    hidden.mkdir()
    (hidden / "token").write_text("s3cret")
    sandbox = Bubblewrap(hide=(hidden,))
    done = await sh(sandbox, tree, f"ls -A {hidden.parent} {hidden}", PATH=f"{shown}:/usr/bin:/bin")

    assert "token" not in done.text
    assert "bin" in done.text


async def test_no_process_outside_can_be_seen(boxed: Bubblewrap, tree: Path) -> None:
    done = await sh(boxed, tree, "ls /proc | grep -c '^[0-9]'")

    assert int(done.text) < 10


async def test_the_environment_is_exactly_what_was_given(boxed: Bubblewrap, tree: Path) -> None:
    done = await sh(boxed, tree, "env", KEY="value with spaces")

    names = {line.split("=")[0] for line in done.text.splitlines()}
    assert names == {"PATH", "LANG", "KEY", "PWD"}
    assert "KEY=value with spaces" in done.text


async def test_no_secret_is_on_a_command_line(boxed: Bubblewrap, tree: Path) -> None:
    view = View(cwd=tree, env={**HOST_ENV, "KEY": "s3cret-value"}, writable=(tree,))
    running = await boxed.start(["sleep", "1000"], view)
    try:
        for pid in (running.pid, *processes.descendants(running.pid)):
            assert b"s3cret-value" not in of_process(pid, "cmdline")
        assert of_process(running.pid, "environ") == b""
    finally:
        await running.kill()


async def test_a_loader_variable_of_the_agents_reaches_only_the_inside(
    boxed: Bubblewrap, tree: Path
) -> None:
    done = await sh(boxed, tree, "true", LD_PRELOAD=str(tree / "evil.so"))

    assert done.returncode == 0
    assert "evil.so" in done.stderr  # the loader inside complained, bubblewrap did not load it


async def test_the_kernel_cannot_be_configured(boxed: Bubblewrap, tree: Path) -> None:
    done = await sh(
        boxed, tree, "(exec 3>>/proc/sys/kernel/core_pattern) && echo open; unshare -Ur id"
    )

    assert done.text == ""


async def test_the_network_can_be_taken_away(boxed: Bubblewrap, tree: Path) -> None:
    view = View(cwd=tree, env=HOST_ENV, writable=(tree,), network=False)
    done = await capture(boxed, ["sh", "-c", "tail -n +3 /proc/net/dev | cut -d: -f1"], view)

    assert done.text.split() == ["lo"]


@pytest.mark.parametrize("kind", ["bubblewrap", "none"])
async def test_a_detached_grandchild_dies_with_the_sandbox(
    kind: str, boxed: Bubblewrap, tree: Path
) -> None:
    sandbox: Sandbox = boxed if kind == "bubblewrap" else Unsandboxed("tested")
    view = View(cwd=tree, env=HOST_ENV, writable=(tree,))
    script = "setsid sh -c '(trap \"\" TERM; echo up; sleep 1000) & ' & sleep 1000"
    running = await sandbox.start(["sh", "-c", script], view)
    assert running.stdout is not None
    await running.stdout.readline()
    inside = processes.descendants(running.pid)
    assert len(inside) >= 3
    await running.kill()

    assert not set(inside) & set(processes.parents())


@pytest.mark.parametrize("kind", ["bubblewrap", "none"])
async def test_exit_codes_and_signals_are_told(kind: str, boxed: Bubblewrap, tree: Path) -> None:
    sandbox: Sandbox = boxed if kind == "bubblewrap" else Unsandboxed("tested")

    assert (await sh(sandbox, tree, "exit 3")).returncode == 3
    assert (await sh(sandbox, tree, "kill -TERM $$")).returncode == -15


async def test_sigterm_reaches_everything_inside(boxed: Bubblewrap, tree: Path) -> None:
    view = View(cwd=tree, env=HOST_ENV, writable=(tree,))
    child = "sh -c 'trap \"echo bye; exit 0\" TERM; echo up; while :; do sleep 0.05; done'"
    script = f"trap : TERM; {child} & wait; wait"  # the first wait ends with the trap
    running = await boxed.start(["sh", "-c", script], view)
    assert running.stdout is not None
    await running.stdout.readline()
    running.terminate()

    assert await running.stdout.readline() == b"bye\n"
    await running.kill()


def naming(tree: Path) -> list[str]:
    """Processes that have the tree in their command line; an orphan is nobody's child."""
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if process.name.isdigit() and str(tree).encode() in (process / "cmdline").read_bytes():
                found.append(process.name)
    return found


async def test_a_start_that_is_cancelled_leaves_nothing(
    boxed: Bubblewrap, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before bubblewrap has told who its child is: it would die, and its child wait for ever."""
    loop, told, cancelled = asyncio.get_running_loop(), bubblewrap._init_of, threading.Event()
    descriptors = set(names_in(Path("/proc/self/fd")))

    def told_late(descriptor: int) -> int | None:
        loop.call_soon_threadsafe(starting.cancel)
        loop.call_soon_threadsafe(cancelled.set)
        assert cancelled.wait(20)
        return told(descriptor)

    monkeypatch.setattr(bubblewrap, "_init_of", told_late)
    view = View(cwd=tree, env=HOST_ENV, writable=(tree,))
    starting = asyncio.create_task(boxed.start(["sh", "-c", "sleep 1000", str(tree)], view))
    await asyncio.wait({starting})

    assert starting.cancelled()
    assert naming(tree) == []
    assert set(names_in(Path("/proc/self/fd"))) <= descriptors


async def test_a_command_that_says_too_much_is_ended(boxed: Bubblewrap, tree: Path) -> None:
    view = View(cwd=tree, env=HOST_ENV, writable=(tree,))
    async with asyncio.timeout(20):
        with pytest.raises(GitFailed, match="more than 1,000 bytes"):
            await capture(boxed, ["sh", "-c", "yes | head -c 30000000"], view, limit=1000)


HOSTILE = """
git config core.fsmonitor 'touch {out}/fsmonitor; touch ran-fsmonitor'
git config filter.evil.clean 'touch {out}/clean; touch /tmp/x; cat'
git config diff.external '{out}/external'
git config core.sshCommand 'touch {out}/ssh'
git config gpg.program '{out}/gpg'
git config core.hooksPath "$PWD/.evil"
git config core.pager 'touch {out}/pager'
mkdir -p .evil && printf '#!/bin/sh\\ntouch {out}/hook\\n' > .evil/pre-commit
cp .evil/pre-commit .evil/post-index-change; cp .evil/pre-commit .evil/reference-transaction
chmod +x .evil/*; echo '* filter=evil' > .gitattributes
mkdir nested && cd nested && git init -q && git config core.fsmonitor 'touch {out}/nested'
cd .. && echo two >> app.txt
"""


async def test_nothing_planted_in_the_repository_runs_outside(rig: Rig) -> None:
    """Rule R1: each of these ran when git opened the agent's directory on the host."""
    outside = rig.root / "outside"
    outside.mkdir()
    ledger = await rig.work(rig.job(HOSTILE.format(out=outside)))

    assert names_in(outside) == []
    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED
    assert await rig.server.show(f"{ledger.finish.head_sha}:app.txt") == "one\ntwo"


async def test_the_cache_is_borrowed_from_and_read_only(rig: Rig) -> None:
    """Rule R2: its objects serve through alternates; nothing of it can be written or is linked."""
    script = """
    cat .git/objects/info/alternates; find .git/objects -type f ! -path '*/info/*' | wc -l
    cache=$(cat .git/objects/info/alternates); touch $cache/x $cache/../hooks/x 2>/dev/null && echo bad
    """
    ledger = await rig.work(rig.job(script))

    alternates, count, *rest = ledger.texts("stdout")
    assert Path(alternates).is_relative_to(rig.work_dir / "cache")
    assert int(count) == 0
    assert rest == []


async def test_the_agent_sees_neither_token_nor_git_password(rig: Rig) -> None:
    job = rig.job(
        "env; cat .git/config; cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'; true"
    )
    ledger = await rig.work(job)

    said = "\n".join(ledger.texts("stdout"))
    assert job.repo.password not in said
    assert job.lease not in said
    assert "runner-token" not in said
    assert "[redacted]" not in said


async def test_what_the_host_env_hides_is_not_passed_on(rig: Rig) -> None:
    env = {**HOST_ENV, "AWS_SECRET_ACCESS_KEY": "s3cret-value"}
    ledger = await rig.work(rig.job("env"), host_env=env)

    assert not any("s3cret" in text for text in ledger.texts("stdout"))


async def test_a_job_leaves_no_process_behind(rig: Rig) -> None:
    before = set(processes.descendants(os.getpid()))
    await rig.work(rig.job("setsid sleep 1000 & (setsid sleep 1000 &) ; echo two >> app.txt"))
    await asyncio.sleep(0)

    assert set(processes.descendants(os.getpid())) <= before


EARLY = """
import os, signal, sys
from lazyaf.runner import reaper
fork = os.fork
def forked():
    pid = fork()
    if pid:
        os.kill(os.getpid(), signal.SIGTERM)
    return pid
os.fork = forked
sys.exit(reaper.main(["sleep", "1000"]))
"""


async def test_a_monitor_that_is_ended_as_soon_as_it_has_a_child_ends_the_child() -> None:
    monitor = await asyncio.create_subprocess_exec(sys.executable, "-c", EARLY)
    assert await monitor.wait() == 128 + signal.SIGKILL, "it did so itself"
