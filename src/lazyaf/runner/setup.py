"""Runs the repository's setup command (``npm ci``) in the sandbox before the agent, or the checks, begin.

It gets the card's variables but no agent's key.
"""

from __future__ import annotations

from lazyaf.protocol.messages import Limits
from lazyaf.runner.commands import run_command
from lazyaf.runner.sandbox import Sandbox, View
from lazyaf.runner.stop import Stop
from lazyaf.runner.story import Story


class SetupFailed(Exception):
    """The command failed; the message has its last lines."""


async def run_setup(
    sandbox: Sandbox, command: str, view: View, story: Story, limits: Limits, stop: Stop
) -> None:
    """Run it to its end. Raises `SetupFailed` or `Stopped`."""
    ended = await run_command(sandbox, command, view, story, limits.setup_s, limits, stop)
    if ended.code != 0:
        raise SetupFailed("\n".join([f"The setup command {ended.how}.", *ended.last]))
