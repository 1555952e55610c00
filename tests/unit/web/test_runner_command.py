"""The commands that start a runner elsewhere."""

from __future__ import annotations

import re
import shlex

import pytest

from lazyaf.web import runner_command

AWAY = "https://lazyaf.example.com"
HERE = "http://127.0.0.1:8765"


@pytest.mark.parametrize("command", [runner_command.plain, runner_command.docker])
def test_it_says_where_and_leaves_a_place_for_what_only_a_person_knows(command) -> None:  # type: ignore[no-untyped-def]
    said = command(AWAY)

    assert set(re.findall(r"<\w+>", said)) == {"<token>", "<name>", "<label>"}
    assert f"lazyaf runner --server {AWAY} --name <name> --label <label>" in said


@pytest.mark.parametrize("command", [runner_command.plain, runner_command.docker])
def test_the_token_is_in_the_environment_and_not_in_the_arguments(command) -> None:  # type: ignore[no-untyped-def]
    assignment, *arguments = shlex.split(command(AWAY).replace("<token>", "s3cret"))

    assert assignment == "LAZYAF_RUNNER_TOKEN=s3cret"
    assert [word for word in arguments if "s3cret" in word] == []


def test_a_container_has_no_rights_and_limits_and_takes_the_keys_by_name() -> None:
    words = shlex.split(runner_command.docker(AWAY))

    for word in (
        "--read-only",
        "no-new-privileges",
        "--memory",
        "--pids-limit",
        "ANTHROPIC_API_KEY",
        "CLAUDE_CODE_OAUTH_TOKEN",
    ):
        assert word in words
    assert "--init" not in words  # its environment would be open to the agent
    assert "host" not in words


@pytest.mark.parametrize("url", [HERE, "http://localhost:8765", "http://[::1]:8765"])
def test_a_server_on_loopback_is_reached_in_the_host_s_network(url: str) -> None:
    assert "--network host" in runner_command.docker(url)


def test_a_tunnel_is_spoken_of_only_without_a_public_url() -> None:
    assert any("ssh -L 8765" in need for need in runner_command.needs(HERE, is_public=False))
    assert not any("ssh -L" in need for need in runner_command.needs(AWAY, is_public=True))
