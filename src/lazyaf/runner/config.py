"""What a runner is told when it starts: the server, its name, its directories and its sandbox.

The CLI builds one `RunnerConfig`; nothing below it reads ``os.environ``. `take_token` removes the
token from the environment before anything else can inherit it (rule R4).
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final

from lazyaf.agents import environment
from lazyaf.agents.claude import driver as claude
from lazyaf.domain.runners import PoolKind
from lazyaf.runner.workdir import WorkDir

TOKEN_VARIABLE: Final = "LAZYAF_RUNNER_TOKEN"  # noqa: S105 - a name, not a token
TOKEN_MAX: Final = 1024
OWN_PREFIX: Final = "LAZYAF_"
AGENT_VARIABLES: Final = frozenset({environment.CHOSEN, claude.BIN, claude.VERSION_FILE})
"""Variables of LazyAF's own that the agents' drivers read."""
DEFAULT_GRACE_S: Final = 60.0


class SandboxMode(StrEnum):
    """What to put between the agent and the machine."""

    AUTO = "auto"
    """Bubblewrap where it works, otherwise nothing, and the server is told."""
    BUBBLEWRAP = "bubblewrap"
    """Bubblewrap, or do not start."""
    CONTAINER = "container"
    """Nothing more: the runner is in a container of its own, which is the sandbox."""
    NONE = "none"


def host_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The runner's environment without LazyAF's own variables; drivers pick from it by name."""
    source = os.environ if environ is None else environ
    return {
        name: value
        for name, value in source.items()
        if not name.startswith(OWN_PREFIX) or name in AGENT_VARIABLES
    }


def take_token(token_file: Path | None, environ: MutableMapping[str, str] | None = None) -> str:
    """The runner's token, from the file or from the environment, where it is then no more.

    Raises `ValueError` that says how to give one.
    """
    source = os.environ if environ is None else environ
    from_environment = source.pop(TOKEN_VARIABLE, "")
    token = token_file.read_text("utf-8") if token_file is not None else from_environment
    return _required(token)


def read_token(stream: BinaryIO) -> str:
    """The runner's token from the first line of its stdin, which nothing else can look up.

    Raises `ValueError` when there is none.
    """
    return _required(stream.readline(TOKEN_MAX).decode("utf-8", "replace"))


def _required(token: str) -> str:
    if not token.strip():
        raise ValueError(f"There is no runner token: set {TOKEN_VARIABLE} or give --token-file.")
    return token.strip()


@dataclass(frozen=True, slots=True)
class RunnerConfig:
    """A runner's settings.

    ``state_dir`` belongs to this runner alone (lock, outbox, what it is at). ``work_dir`` is shared by
    the runners of a machine (`WorkDir`). ``hide`` are further directories that no agent may see (the
    server's data directory), ``binds`` further ones that it may read. ``promised`` are variables that the
    server gives with a job. ``image`` is the repository's own one that this runner is in; ``repo_id`` the only one
    whose jobs it takes, and ``borrow`` a bare repository with that one's objects, nobody's to write. ``reserve`` are the
    bytes that must be free in ``work_dir`` for a job to be asked for. ``grace_s`` is how long to go on
    without the server; None leaves it to the server.
    """

    server: str
    token: str = field(repr=False)
    name: str
    state_dir: Path
    work_dir: Path
    labels: tuple[str, ...] = ()
    pool: PoolKind = PoolKind.EXTERNAL
    once: bool = False
    grace_s: float | None = None
    reserve: int = 0
    sandbox: SandboxMode = SandboxMode.AUTO
    binds: tuple[Path, ...] = ()
    hide: tuple[Path, ...] = ()
    container_id: str | None = None
    image: str | None = None
    repo_id: str | None = None
    borrow: Path | None = None
    promised: tuple[str, ...] = ()
    instance_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    host_env: Mapping[str, str] = field(default_factory=host_environment, repr=False)

    @property
    def cache_dir(self) -> Path:
        """Where the repositories' caches are."""
        return WorkDir(self.work_dir).cache

    @property
    def trees_dir(self) -> Path:
        """Where the cards' work trees are."""
        return WorkDir(self.work_dir).trees

    @property
    def spares_dir(self) -> Path:
        """Where the trees are that wait for their card."""
        return WorkDir(self.work_dir).spares

    @property
    def homes_dir(self) -> Path:
        """Where the cards' HOME directories are."""
        return WorkDir(self.work_dir).homes
