"""What keeps the pool from working, as its panel says it, and how long it waits before it tries again."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from lazyaf.domain.errors import Unavailable

log = structlog.get_logger(__name__)

BACK_OFF_MAX_S: Final = 30.0


class Trouble:
    """The pool's own. One image's, of a repository, is told on the cards that wait for it."""

    def __init__(self) -> None:
        self.problem: Unavailable | None = Unavailable("The pool is starting.")
        self._failures = 0
        self._not_before = 0.0

    @property
    def is_over(self) -> bool:
        """Whether containers may be made (again)."""
        return asyncio.get_running_loop().time() >= self._not_before

    def note(self, problem: Unavailable | None) -> None:
        """Say this from now on; None: all is well."""
        if problem is not None and (self.problem is None or self.problem.detail != problem.detail):
            log.warning("docker_pool_cannot_work", reason=problem.detail)
        elif problem is None and self.problem is not None:
            log.info("docker_pool_works")
        self.problem = problem

    def note_calm(self) -> None:
        """Nothing is missing. That proves little after a container that failed."""
        if self._failures == 0:
            self.note(None)

    def set_back(self, problem: Unavailable) -> None:
        """A container could not be made, or was of no use: wait twice as long as the last time."""
        self.note(problem)
        self._failures += 1
        wait = min(BACK_OFF_MAX_S, 0.5 * 2 ** min(self._failures, 6))
        self._not_before = asyncio.get_running_loop().time() + wait

    def end(self) -> None:
        """A runner has come: containers are of use."""
        self._failures = 0
        self.note(None)

    def try_again(self) -> None:
        """Something was changed: do not wait."""
        self._failures, self._not_before = 0, 0.0
