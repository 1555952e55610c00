"""Finding Claude Code and starting it; with a stand-in program, since only arguments matter here."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from lazyaf.agents.base import AgentRun, SessionFile
from lazyaf.agents.claude import ClaudeAgent
from lazyaf.agents.claude.driver import find_program, program_files
from lazyaf.domain.errors import Invalid, Unavailable

KEY = "sk-ant-0123456789"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program that answers ``--version``."""
    return script(tmp_path / "bin/claude", "echo 9.9.9 '(Claude Code)'")


def script(path: Path, body: str) -> Path:
    """An executable shell script."""
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def run_of(program: Path, **changes: Any) -> AgentRun:
    """A run with a key."""
    known: dict[str, Any] = {
        "prompt": "/clear the table",
        "worktree": Path("/w"),
        "home": Path("/h"),
        "session": None,
        "new_session": "new-session",
        "options": {},
        "host_env": {"LAZYAF_CLAUDE_BIN": str(program), "ANTHROPIC_API_KEY": KEY},
        "card_env": {"CARD_NUMBER": "7"},
    }
    return AgentRun(**{**known, **changes})


def test_it_is_offered_with_its_version(program: Path) -> None:
    offer = ClaudeAgent().offer({"LAZYAF_CLAUDE_BIN": str(program), "ANTHROPIC_API_KEY": KEY})

    assert offer.available
    assert offer.version == "9.9.9 (Claude Code)"


def test_without_a_key_it_names_the_variable(program: Path) -> None:
    offer = ClaudeAgent().offer({"PATH": str(program.parent)})

    assert not offer.available
    assert offer.version == "9.9.9 (Claude Code)"
    assert "Set ANTHROPIC_API_KEY" in (offer.fix or "")


def test_a_cloud_stands_in_for_a_key_when_it_is_passed_on(program: Path) -> None:
    host = {"PATH": str(program.parent), "CLAUDE_CODE_USE_BEDROCK": "1"}

    assert not ClaudeAgent().offer(host).available
    assert ClaudeAgent().offer({**host, "LAZYAF_AGENT_ENV": "CLAUDE_CODE_USE_BEDROCK"}).available


def test_a_program_that_does_not_answer_is_not_offered(tmp_path: Path) -> None:
    broken = script(tmp_path / "broken/claude", "exit 1")

    offer = ClaudeAgent().offer({"LAZYAF_CLAUDE_BIN": str(broken), "ANTHROPIC_API_KEY": KEY})

    assert offer.reason == f"{broken} does not answer `--version`."


def test_the_version_is_asked_once(tmp_path: Path) -> None:
    counting = script(tmp_path / "counting/claude", f"echo run >> {tmp_path}/runs; echo 1")
    host = {"LAZYAF_CLAUDE_BIN": str(counting), "ANTHROPIC_API_KEY": KEY}

    ClaudeAgent().offer(host)
    ClaudeAgent().offer(host)

    assert (tmp_path / "runs").read_text() == "run\n"


def test_a_version_that_an_image_wrote_down_is_believed(program: Path, tmp_path: Path) -> None:
    written = tmp_path / "claude.version"
    written.write_text("2.1.0 (Claude Code)\n")
    host = {
        "LAZYAF_CLAUDE_BIN": str(program),
        "LAZYAF_CLAUDE_VERSION_FILE": str(written),
        "ANTHROPIC_API_KEY": KEY,
    }

    assert ClaudeAgent().offer(host).version == "2.1.0 (Claude Code)"


def test_a_program_that_came_after_the_file_is_asked(program: Path, tmp_path: Path) -> None:
    written = tmp_path / "claude.version"
    written.write_text("2.1.0 (Claude Code)\n")
    os.utime(written, ns=(0, program.stat().st_mtime_ns - 1))
    host = {
        "LAZYAF_CLAUDE_BIN": str(program),
        "LAZYAF_CLAUDE_VERSION_FILE": str(written),
        "ANTHROPIC_API_KEY": KEY,
    }

    assert ClaudeAgent().offer(host).version == "9.9.9 (Claude Code)"


def test_the_named_program_wins_over_the_path(program: Path, tmp_path: Path) -> None:
    other = script(tmp_path / "other/claude", "true")

    assert find_program({"PATH": str(other.parent)}) == other
    assert find_program({"PATH": str(other.parent), "LAZYAF_CLAUDE_BIN": str(program)}) == program


def test_a_package_of_scripts_is_shown_whole(tmp_path: Path) -> None:
    package = tmp_path / "lib/claude-code"
    real = script(package / "cli.js", "true")
    (package / "package.json").touch()
    link = tmp_path / "claude"
    link.symlink_to(real)

    assert program_files(link) == (link, package)


def test_a_lone_program_shows_nothing_around_it(program: Path) -> None:
    assert program_files(program) == (program,)


def test_where_a_session_is(tmp_path: Path) -> None:
    session = "3f2b8c1e-0000-4abc-8def-0123456789ab"
    place = ClaudeAgent().session_file(session, Path("/data/trees/card_1.x/work"))

    assert place == SessionFile(
        (".claude", "projects"), "-data-trees-card-1-x-work", f"{session}.jsonl"
    )
    long = ClaudeAgent().session_file(session, Path("/" + "x" * 300))
    assert long is not None
    assert len(long.folder) == 200


@pytest.mark.parametrize(
    "said",
    ["", "..", "../../../etc/passwd", "a/b", "x" * 36, "3F2B8C1E-0000-4ABC-8DEF-0123456789AB\n"],
)
def test_an_agent_cannot_name_another_file(said: str) -> None:
    assert ClaudeAgent().session_file(said, Path("/w")) is None


def test_a_fresh_run(program: Path) -> None:
    launch = ClaudeAgent().launch(run_of(program, options={"model": "opus", "max_turns": 3}))

    line = " ".join(launch.argv)
    assert line.startswith(
        f"{program} -p --input-format stream-json --output-format stream-json --verbose "
        "--dangerously-skip-permissions"
    )
    assert "--session-id new-session" in line
    assert "--setting-sources user --strict-mcp-config" in line
    assert line.endswith("--model opus --max-turns 3")
    assert launch.keep_stdin
    assert launch.secrets == (KEY,)
    assert launch.env["HOME"] == "/h"
    assert launch.env["DISABLE_AUTOUPDATER"] == "1"
    assert not [name for name in launch.env if name.startswith("LAZYAF_")]
    told = json.loads(launch.stdin)
    assert told["message"]["content"] == [{"type": "text", "text": "/clear the table"}]
    assert told["client_composed"] is True


def test_a_follow_up_in_a_trusted_repository(program: Path) -> None:
    line = " ".join(ClaudeAgent().launch(run_of(program, session="old", trusted=True)).argv)

    assert "--resume old" in line
    assert "--session-id" not in line
    assert "--setting-sources user,project,local" in line
    assert "--strict-mcp-config" not in line


def test_a_person_can_override_a_setting(program: Path) -> None:
    host = {
        "LAZYAF_CLAUDE_BIN": str(program),
        "LAZYAF_AGENT_ENV": "CLAUDE_CODE_MAX_RETRIES",
        "CLAUDE_CODE_MAX_RETRIES": "1",
    }

    launch = ClaudeAgent().launch(run_of(program, host_env=host))

    assert launch.env["CLAUDE_CODE_MAX_RETRIES"] == "1"


def test_where_there_is_no_shell_that_it_takes_it_gets_the_one_beside_it(program: Path) -> None:
    own = script(program.parent.parent / "shell/bash", "")
    known = {"LAZYAF_CLAUDE_BIN": str(program), "PATH": str(program.parent)}
    assert ClaudeAgent().launch(run_of(program, host_env=known)).env["SHELL"] == str(own)

    script(program.parent.parent / "usr/bin/zsh", "")
    path = f"{program.parent}:{program.parent.parent / 'usr/bin'}"
    assert "SHELL" not in ClaudeAgent().launch(run_of(program, host_env=known | {"PATH": path})).env


@pytest.mark.parametrize("uid", [0, 1000])
def test_root_says_that_it_is_a_sandbox(
    program: Path, monkeypatch: pytest.MonkeyPatch, uid: int
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: uid)

    assert ("IS_SANDBOX" in ClaudeAgent().launch(run_of(program)).env) is (uid == 0)


@pytest.mark.parametrize(
    "options",
    [{"model": "--version"}, {"model": 3}, {"max_turns": 0}, {"max_budget_usd": True}],
)
def test_a_wrong_option_is_refused(program: Path, options: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        ClaudeAgent().launch(run_of(program, options=options))


def test_a_missing_program_is_told_with_its_fix() -> None:
    with pytest.raises(Unavailable, match="pip install"):
        ClaudeAgent().launch(run_of(Path("/absent")))
