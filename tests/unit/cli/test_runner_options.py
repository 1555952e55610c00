"""What ``lazyaf runner`` says of options that make no sense."""

from __future__ import annotations

import click.testing
import pytest

from lazyaf.cli import main


@pytest.mark.parametrize("name", ["Ada's box", "-a", "x" * 65])
def test_a_name_that_no_runner_can_have_is_refused_with_the_rule(name: str) -> None:
    done = click.testing.CliRunner().invoke(
        main, ["runner", f"--name={name}"], env={"LAZYAF_RUNNER_TOKEN": "t"}
    )

    assert done.exit_code == 2
    assert "is no name for a runner" in done.output
