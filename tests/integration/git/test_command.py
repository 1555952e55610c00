"""Starting git children."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import psutil
import pytest
import uvloop

from lazyaf.domain.errors import GitFailed
from lazyaf.git import command
from lazyaf.git.child import Child

ENV = ["-c", "alias.show-env=!env", "show-env"]
HANG = ["-c", "alias.hang=!cat; sleep 1000 & wait", "hang"]


def variables(completed: command.Completed) -> dict[str, str]:
    return dict(line.split("=", 1) for line in completed.text.splitlines() if "=" in line)


@pytest.fixture
def dirty(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_DIR", "GIT_SSH_COMMAND", "LAZYAF_TOKEN", "LD_PRELOAD_X", "GIT_CONFIG_COUNT"):
        monkeypatch.setenv(name, "leaked")
    monkeypatch.setenv("HOME", "/root")


async def test_nothing_leaks_into_a_child(dirty: None) -> None:
    seen = variables(await command.run(ENV))
    assert "leaked" not in seen.values()
    assert seen["HOME"] == "/nonexistent"
    assert variables(command.run_sync(ENV)).keys() == seen.keys()
    extra = await command.run(ENV, env=command.child_env({"HOME": "/x", "MORE": "1"}))
    assert (variables(extra)["HOME"], variables(extra)["MORE"]) == ("/x", "1")


async def test_credentials_are_for_one_server_and_in_no_argument() -> None:
    env = command.child_env(command.auth_env("http://one.test/git/", "lazyaf", "s3cret"))

    async def header(url: str) -> str:
        asked = await command.run(
            ["config", "--get-urlmatch", "http.extraHeader", url], env=env, ok=(0, 1)
        )
        return asked.text

    assert await header("http://one.test/git/x.git") == "Authorization: Basic bGF6eWFmOnMzY3JldA=="
    assert await header("http://one.test/other") == ""
    assert await header("http://two.test/git/x.git") == ""


async def test_a_failure_says_what_git_said(tmp_path: Path) -> None:
    wrong = ["-c", "a.b=c", "rev-parse", "HEAD"]
    with pytest.raises(GitFailed, match=r"git rev-parse ended with status 128: fatal: not a git"):
        await command.run(wrong, cwd=tmp_path)
    with pytest.raises(GitFailed, match="not a git repository"):
        command.run_sync(wrong, cwd=tmp_path)
    assert (await command.run(wrong, cwd=tmp_path, check=False)).returncode == 128
    assert command.run_sync(wrong, cwd=tmp_path, ok=(128,)).returncode == 128


async def test_input_goes_in_and_bytes_come_out() -> None:
    args, data = ["hash-object", "--stdin"], b"\0\xff"
    assert await command.run(args, stdin=data) == command.run_sync(args, stdin=data)


def sleepers() -> list[psutil.Process]:
    """What `HANG` starts; other tests of this process may have servers running beside."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if child.name() in {"git", "sh", "sleep"}]


async def test_a_child_that_takes_too_long_is_ended_with_its_children() -> None:
    with pytest.raises(GitFailed, match=r"git hang took longer than 0\.05 s"):
        await command.run(HANG, timeout=0.05)
    with pytest.raises(GitFailed, match="took longer"):
        command.run_sync(HANG, timeout=0.05)
    psutil.wait_procs(sleepers(), timeout=10)
    assert sleepers() == []


async def test_a_child_whose_output_nobody_reads_is_reaped() -> None:
    process = await command.start(["-c", "alias.talk=!yes", "talk"])
    assert process.stdout is not None
    while not process.stdout._paused:  # noqa: ASYNC110 - asyncio announces to nobody that it stopped
        await asyncio.sleep(0)
    async with asyncio.timeout(20):
        await command.reap(process)
    assert process.returncode == -signal.SIGKILL


async def flood(child: Child) -> None:
    while True:
        await child.write(b"x" * 65_536)


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_child_that_reads_no_more_says_so(
    run: Callable[[Coroutine[Any, Any, None]], None],
) -> None:
    async def talk() -> None:
        child = await command.start(["version"])
        for _ in range(2):
            with pytest.raises(ConnectionError):
                await flood(child)
        await command.reap(child)

    run(talk())


async def test_a_cancelled_call_leaves_no_child(tmp_path: Path) -> None:
    began = asyncio.Event()
    started = command.start

    async def start(*args, **kwargs):
        process = await started(*args, **kwargs)
        began.set()
        return process

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(command, "start", start)
        running = asyncio.create_task(command.run(HANG, timeout=None))
        await began.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    psutil.wait_procs(sleepers(), timeout=10)
    assert sleepers() == []
