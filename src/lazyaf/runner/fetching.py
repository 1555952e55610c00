"""Fetches from the server into a bare repository of the runner's own, which no agent can write."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from lazyaf.domain.errors import GitFailed
from lazyaf.git import command

FETCH_S: Final = 1800.0
TRIES: Final = 5
"""So often a fetch may fail while the server is there."""
PAUSE_S: Final = 0.2
"""Half of what the second try waits; doubled before each that follows."""
AWAY_PAUSE_S: Final = 1.0
"""Between tries while the server is away."""
_TRANSIENT: Final = re.compile(
    r"unable to access|RPC failed|early EOF|hung up|returned error: (408|425|429|5\d\d)"
)


def is_transient(error: GitFailed) -> bool:
    """Whether it was the connection that failed."""
    return _TRANSIENT.search(error.detail) is not None


async def fetch(
    repository: Path,
    url: str,
    auth: Mapping[str, str],
    refspecs: Iterable[str],
    is_away: Callable[[], bool],
    *,
    prune: bool = False,
) -> None:
    """Fetch, again a few times when the connection fails and for as long as the server ``is_away``.

    ``auth`` are variables that carry the credential. Raises `GitFailed`.
    """
    options = ["--quiet", "--no-tags", "--no-auto-gc", *(["--prune"] if prune else [])]
    words = ["--git-dir", str(repository), "fetch", *options, url, *refspecs]
    failures = 0
    while True:
        try:
            await command.run(words, env=command.child_env(auth), timeout=FETCH_S)
            return
        except GitFailed as error:
            if not is_transient(error):
                raise
            # What fails because the server is away says nothing of the fetch.
            failures = 0 if is_away() else failures + 1
            if failures == TRIES:
                raise
        await asyncio.sleep(PAUSE_S * 2**failures if failures else AWAY_PAUSE_S)
