"""Where the token comes from, and what of the environment is passed on."""

from __future__ import annotations

from pathlib import Path

import pytest

from lazyaf.runner.config import RunnerConfig, host_environment, take_token


def test_the_token_leaves_the_environment_at_once() -> None:
    environ = {"LAZYAF_RUNNER_TOKEN": "t0ken\n", "PATH": "/bin"}

    assert take_token(None, environ) == "t0ken"
    assert environ == {"PATH": "/bin"}


def test_a_token_file_wins_and_the_environment_is_cleared_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from-file\n")
    environ = {"LAZYAF_RUNNER_TOKEN": "from-env"}

    assert take_token(file, environ) == "from-file"
    assert environ == {}


def test_no_token_says_how_to_give_one() -> None:
    with pytest.raises(ValueError, match="LAZYAF_RUNNER_TOKEN"):
        take_token(None, {})


def test_own_variables_are_not_passed_on() -> None:
    environ = {
        "LAZYAF_RUNNER_TOKEN": "x",
        "LAZYAF_DATA_DIR": "/d",
        "LAZYAF_AGENT_ENV": "A",
        "A": "1",
    }

    assert host_environment(environ) == {"LAZYAF_AGENT_ENV": "A", "A": "1"}


def test_the_token_is_not_in_the_representation(tmp_path: Path) -> None:
    config = RunnerConfig(
        server="http://x", token="t0ken", name="r", state_dir=tmp_path, work_dir=tmp_path
    )

    assert "t0ken" not in repr(config)
