"""The world of the merge queue: cards that are in each other's way or not, and a server that may die."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from factories.checked import LINT, TESTS, Checked
from factories.scene import make_context
from lazyaf.services import carry_out_merge
from lazyaf.services.recover import recover
from machines.scene_machine import SceneMachine, answered

FILES = ("one", "two", "three", "one")
"""What each card touches: the last is in the way of the first, the others can be tried together."""
CARDS = len(FILES)
pick = st.integers(min_value=0, max_value=CARDS - 1)
CHECKS: dict[str, list[dict[str, Any]]] = {"tests": [TESTS], "lint": [LINT], "none": []}


class Killed(BaseException):
    """The server's process is dead."""


class World(SceneMachine):
    """One repository, and what people and runners have said of it."""

    checked: Checked
    repo: str
    cards: list[str]
    """One for each of `FILES`; in ``former`` are those that were in its place and are done."""
    former: list[str]

    def __init__(self) -> None:
        super().__init__()
        self.approved: set[tuple[str, str]] = set()
        self.passed: set[tuple[str, str]] = set()
        self.failed: set[tuple[str, str]] = set()
        self.pushed: set[str] = set()
        self.checks = "tests"

    def run(self, work: Awaitable[Any]) -> Any:
        """What a step is refused is an answer, too; what follows of it is done before the next."""

        async def settled() -> Any:
            try:
                return await answered(work)
            finally:
                await self.checked.settled() if hasattr(self, "checked") else None

        return super().run(settled())

    async def new_card(self, name: str) -> str:
        self.files += 1
        return (await self.scene.in_review(self.repo, {f"{name}.txt": f"{self.files}\n"}))[0]

    async def head(self, card: str) -> str:
        return (await self.scene.card_row(card)).head_sha or ""

    @rule()
    def restart(self) -> None:
        async def work() -> None:
            scene = self.scene
            self.db.on_commit.clear()
            scene.ctx = make_context(self.db, self.folder / "git", self.clock, scene.new_id)
            self.checked = Checked(scene)
            await recover(scene.ctx)
            await scene.look(self.repo)

        self.run(work())


@contextmanager
def dying(*, is_moved: bool = True) -> Iterator[None]:
    """The server dies when it has moved the branch, before it has said so; or just before it moves it."""
    real = carry_out_merge._effect

    async def killed(*args: Any) -> None:
        if is_moved:
            await real(*args)
        raise Killed

    carry_out_merge._effect = killed
    try:
        yield
    finally:
        carry_out_merge._effect = real
