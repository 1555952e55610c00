"""What reaches an agent's environment, and what never does."""

from __future__ import annotations

from pathlib import Path

from lazyaf.agents.environment import VALUE_MAX, agent_env, certificate_paths, laid_over, secrets_in

HOST = {
    "PATH": "/opt/bin:/usr/bin",
    "HOME": "/home/person",
    "LANG": "de_DE.UTF-8",
    "LC_TIME": "C",
    "https_proxy": "http://proxy:3128",
    "NO_PROXY": "localhost",
    "ANTHROPIC_API_KEY": "sk-secret-value",
    "AWS_SECRET_ACCESS_KEY": "not-for-agents",
    "LAZYAF_RUNNER_TOKEN": "never",
    "SSH_AUTH_SOCK": "/run/agent",
}


def test_it_is_built_from_nothing() -> None:
    env = agent_env(HOST, home=Path("/sandbox/home"))

    assert env == {
        "PATH": "/opt/bin:/usr/bin",
        "HOME": "/sandbox/home",
        "LANG": "de_DE.UTF-8",
        "LC_TIME": "C",
        "TERM": "dumb",
        "https_proxy": "http://proxy:3128",
        "NO_PROXY": "localhost",
    }


def test_what_a_machine_and_a_job_choose_is_passed_on() -> None:
    machine = {"LAZYAF_AGENT_ENV": "JAVA_HOME", "JAVA_HOME": "/jdk", "CI": "0"}
    both = laid_over(machine, {"LAZYAF_AGENT_ENV": "CI", "CI": "1"})

    env = agent_env(both)

    assert (env["JAVA_HOME"], env["CI"]) == ("/jdk", "1")
    assert laid_over({"A": "1"}, {"B": "2"}) == {"A": "1", "B": "2"}


def test_an_empty_host_still_gives_a_working_shell() -> None:
    env = agent_env({})

    assert env["PATH"] == "/usr/local/bin:/usr/bin:/bin"
    assert env["LANG"] == "C.UTF-8"
    assert "HOME" not in env


def test_a_person_can_pass_more_but_never_lazyafs_own() -> None:
    host = {**HOST, "LAZYAF_AGENT_ENV": "SSH_AUTH_SOCK, LAZYAF_RUNNER_TOKEN\nABSENT"}

    env = agent_env(host, card_env={"CARD_TITLE": "Hi", "LAZYAF_X": "1"})

    assert env["SSH_AUTH_SOCK"] == "/run/agent"
    assert env["CARD_TITLE"] == "Hi"
    assert not [name for name in env if name.startswith("LAZYAF_")]
    assert "ABSENT" not in env


def test_an_agents_key_goes_to_that_agent_only() -> None:
    assert "ANTHROPIC_API_KEY" not in agent_env(HOST)
    assert agent_env(HOST, extra_names=["ANTHROPIC_API_KEY"])["ANTHROPIC_API_KEY"]


def test_values_fit_into_execve() -> None:
    env = agent_env({}, card_env={"CARD_DESCRIPTION": "\0\ud800" + "ü" * 65536})

    assert "\0" not in env["CARD_DESCRIPTION"]
    assert VALUE_MAX - 2 < len(env["CARD_DESCRIPTION"].encode()) <= VALUE_MAX


def test_secrets_are_the_keys_and_what_sounds_like_one() -> None:
    host = {
        **HOST,
        "LAZYAF_AGENT_ENV": "MY_API_TOKEN NODE_ENV SHORT_KEY",
        "MY_API_TOKEN": "token-token",
        "NODE_ENV": "production",
        "SHORT_KEY": "1",
    }
    env = agent_env(host, extra_names=["ANTHROPIC_API_KEY"])

    assert secrets_in(env, host, names=["ANTHROPIC_API_KEY"]) == ("sk-secret-value", "token-token")


def test_certificates_are_shown_when_they_exist(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    env = {"SSL_CERT_FILE": str(bundle), "GIT_SSL_CAINFO": "/absent.pem", "SSL_CERT_DIR": "here"}

    assert certificate_paths(env) == (bundle,)
