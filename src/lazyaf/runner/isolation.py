"""Finds out which sandbox works on this machine, and says honestly why it is no better one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from lazyaf.domain.errors import GitFailed, Unavailable
from lazyaf.domain.runners import Isolation
from lazyaf.runner.bubblewrap import Bubblewrap
from lazyaf.runner.config import RunnerConfig, SandboxMode
from lazyaf.runner.sandbox import Sandbox, Unsandboxed, View, capture

PROBE_S: Final = 10.0


async def detect(config: RunnerConfig) -> Sandbox:
    """The sandbox to use. Raises `Unavailable` when bubblewrap was demanded and does not work."""
    if config.sandbox is SandboxMode.NONE:
        return _without(config, "The sandbox was switched off.")
    if config.sandbox is SandboxMode.CONTAINER:
        return Unsandboxed("The container is the sandbox.", Isolation.CONTAINER)
    sandbox = Bubblewrap(hide=(config.state_dir, config.work_dir, *config.hide), binds=config.binds)
    reason = await why_not(sandbox)
    if reason is None:
        return sandbox
    if config.sandbox is SandboxMode.BUBBLEWRAP:
        raise Unavailable(reason)
    return _without(config, reason)


async def why_not(sandbox: Bubblewrap) -> str | None:
    """Why bubblewrap does not work here, or None when it does."""
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed (apt install bubblewrap)."
    view = View(cwd=Path("/"), env={"PATH": "/usr/bin:/bin"}, network=False)
    try:
        done = await capture(sandbox, ["true"], view, seconds=PROBE_S)
    except (OSError, GitFailed) as error:
        return f"bubblewrap could not be started: {error}"
    if done.returncode == 0:
        return None
    return f"bubblewrap does not work here: {done.stderr or f'exit code {done.returncode}'}"


def _without(config: RunnerConfig, reason: str) -> Sandbox:
    """No sandbox of our own: a container is one, if the runner is in it."""
    isolation = Isolation.NONE if config.container_id is None else Isolation.CONTAINER
    return Unsandboxed(reason, isolation)
