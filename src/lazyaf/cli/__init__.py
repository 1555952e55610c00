"""The command line: one file per command, found by name so that ``--help`` imports none of them."""

from __future__ import annotations

import importlib
from typing import Final

import click

from lazyaf import __version__

COMMANDS: Final = {
    "serve": "API, UI, git server and local runners in one process tree.",
    "open": "Open the board in the browser, signed in.",
    "ingest": "Put a git repository on the board, or bring it up to date there.",
    "card": "Add, start, watch, approve … cards.",
    "land": "Push a branch from LazyAF to the real remote, with your own git.",
    "repo": "Add, fetch, set up, list and delete repositories.",
    "secret": "Variables of a repository for its setup command and its checks.",
    "runners": "List the runners and what they work on.",
    "scale": "Change how many runners the server keeps.",
    "runner": "Work jobs of a server on this machine.",
    "demo": "Play the whole loop with a scripted agent; needs no key.",
    "password": "Set the password that lets people in from elsewhere.",
    "login": "Sign in to a server elsewhere, with its password.",
    "logout": "Sign out of it again.",
    "doctor": "Check what LazyAF needs of this machine, and how to fix it.",
    "gc": "Remove what nobody will come back for.",
    "backup": "Copy the server's data to another directory.",
    "restore": "Make a server's data directory of a backup.",
}
"""Every command and its line in ``lazyaf --help``."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are run: `COMMANDS` knows their help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order in which people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"lazyaf.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lazyaf")
def main() -> None:
    """A self-hosted visual orchestrator for AI coding agents."""
