"""What a person is told about a variable that is of no use."""

from __future__ import annotations

from pathlib import Path

import click.testing
import pytest

from lazyaf.cli import main
from lazyaf.cli.failures import Failure
from lazyaf.cli.own_settings import own_settings


def test_what_is_given_counts_and_none_gives_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAZYAF_PORT", "9000")
    found = own_settings(data_dir=Path("here"), port=None)
    assert (found.data_dir, found.port) == (Path.cwd() / "here", 9000)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LAZYAF_RUNNER_SUBNETS", "10.77.0.1/16", "like 10.77.0.0/16"),
        ("LAZYAF_RUNNER_SUBNETS", "10.77.0.0/28", "/24 or larger"),
        ("LAZYAF_RUNNER_BIND", "docker0", "IPv4 address and port"),
        ("LAZYAF_PORT", "s3cret", "integer"),
    ],
)
def test_a_variable_of_no_use_is_named_without_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Failure, match=name) as failed:
        own_settings()
    assert said in failed.value.message
    assert value not in failed.value.message


def test_the_server_does_not_start_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAZYAF_RUNNER_SUBNETS", "everywhere")
    result = click.testing.CliRunner().invoke(main, ["serve"])
    assert result.exit_code == 1
    assert result.output.startswith("Error: LAZYAF_RUNNER_SUBNETS")
