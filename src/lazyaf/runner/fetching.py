"""Fetches from the server into a bare repository of the runner's own, which no agent can write."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from lazyaf.domain.errors import GitFailed
from lazyaf.git import command

FETCH_S: Final = 1800.0
TRIES: Final = 5
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
    for attempt in itertools.count():
        try:
            await command.run(words, env=command.child_env(auth), timeout=FETCH_S)
            return
        except GitFailed as error:
            if not is_transient(error):
                raise
            if attempt + 1 >= TRIES and not is_away():
                raise
        await asyncio.sleep(min(0.2 * 2 ** min(attempt, 5), 5))
