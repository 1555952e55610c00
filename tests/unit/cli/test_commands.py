"""The group: every command is there, cheap to list, and explains itself."""

from __future__ import annotations

import subprocess
import sys

import click
import click.testing
import pytest

from lazyaf.cli import COMMANDS, main


def every_command() -> list[tuple[str, click.Command]]:
    """Commands and their subcommands, by the words that run them."""
    found: list[tuple[str, click.Command]] = []
    with click.Context(main) as ctx:
        for name in COMMANDS:
            command = main.get_command(ctx, name)
            assert command is not None
            found.append((name, command))
            if isinstance(command, click.Group):
                found += [(f"{name} {sub}", each) for sub, each in command.commands.items()]
    return found


@pytest.mark.parametrize(("words", "command"), every_command())
def test_every_command_and_option_is_explained(words: str, command: click.Command) -> None:
    assert command.help, words
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            is_plain = parameter.help or parameter.metavar or parameter.show_default
            assert is_plain, f"{words} {parameter.name}"


@pytest.mark.parametrize("words", [words for words, _ in every_command()])
def test_every_help_is_printed(words: str) -> None:
    result = click.testing.CliRunner().invoke(main, [*words.split(), "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_an_unknown_command_is_a_usage_error() -> None:
    assert click.testing.CliRunner().invoke(main, ["nothing"]).exit_code == 2


def test_the_list_of_commands_costs_nothing() -> None:
    """What is slow to import is imported by the command that needs it."""
    heavy = ("fastapi", "httpx2", "pydantic", "rich", "sqlalchemy", "lazyaf.settings", "asyncio")
    code = (
        "import sys; from lazyaf.cli import main; main(['--help'], standalone_mode=False); "
        f"sys.exit(', '.join(m for m in {heavy!r} if m in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
