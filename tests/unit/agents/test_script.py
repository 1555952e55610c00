"""The script agent: a command, its lines and its exit code."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lazyaf.agents.base import AgentRun
from lazyaf.agents.script import ScriptAgent
from lazyaf.domain.errors import Invalid
from lazyaf.domain.jobs import StopReason
from lazyaf.protocol.entries import EntryKind


def run_of(tmp_path: Path, options: dict[str, Any]) -> AgentRun:
    """A run in a temporary directory."""
    return AgentRun(
        prompt="ignored",
        worktree=tmp_path,
        home=tmp_path,
        session=None,
        new_session="s",
        options=options,
        host_env={"PATH": os.environ["PATH"], "LAZYAF_RUNNER_TOKEN": "never"},
        card_env={"CARD_TITLE": "Say hello"},
    )


def test_the_command_runs_with_the_card_in_its_environment(tmp_path: Path) -> None:
    launch = ScriptAgent().launch(run_of(tmp_path, {"command": 'echo "$CARD_TITLE" in $HOME'}))
    done = subprocess.run(launch.argv, env=dict(launch.env), capture_output=True, check=True)

    assert done.stdout.decode() == f"Say hello in {tmp_path}\n"
    assert not launch.keep_stdin
    assert "never" not in launch.env.values()


@pytest.mark.parametrize("options", [{}, {"command": " "}, {"command": ["ls"]}])
def test_a_missing_command_says_what_to_write(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="needs a command") as caught:
        ScriptAgent().launch(run_of(tmp_path, options))

    assert "agent_options.command" in caught.value.extra["fields"]  # type: ignore[operator]


@pytest.mark.parametrize("command", ["a\0b", "x" * 200_000])
def test_a_command_that_no_system_takes_is_refused(tmp_path: Path, command: str) -> None:
    with pytest.raises(Invalid, match="too long"):
        ScriptAgent().launch(run_of(tmp_path, {"command": command}))


def test_lines_keep_their_colours_and_their_stream(tmp_path: Path) -> None:
    talk = ScriptAgent(now=lambda: "now").converse(run_of(tmp_path, {}))

    [out] = talk.feed("\x1b[32mgood\x1b[0m\n", "stdout")
    [err] = talk.feed("bad\r\n", "stderr")

    assert (out.kind, out.text, out.at) == (EntryKind.STDOUT, "\x1b[32mgood\x1b[0m", "now")
    assert (err.kind, err.text) == (EntryKind.STDERR, "bad")
    assert talk.message("hello") is None
    assert talk.interrupt() is None


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (2, "The command exited with code 2."),
        (137, "The command exited with code 137 (SIGKILL)."),
        (-15, "The command was ended by SIGTERM."),
        (-200, "The command was ended by signal 200."),
        (None, "The command could not be started."),
    ],
)
def test_a_failure_quotes_the_last_lines(tmp_path: Path, code: int | None, words: str) -> None:
    talk = ScriptAgent().converse(run_of(tmp_path, {}))
    for number in range(20):
        talk.feed(f"line {number}\n", "stdout")

    outcome = talk.outcome(code)

    assert outcome.stop_reason is StopReason.AGENT_FAILED
    assert outcome.error is not None
    assert outcome.error.startswith(f"{words}\nline 10\n")
    assert outcome.error.endswith("line 19")


def test_exit_0_is_success(tmp_path: Path) -> None:
    assert ScriptAgent().converse(run_of(tmp_path, {})).outcome(0).stop_reason is (
        StopReason.FINISHED
    )


def test_it_has_no_session(tmp_path: Path) -> None:
    assert ScriptAgent().session_file("3f2b8c1e-0000-4abc-8def-0123456789ab", tmp_path) is None
