"""The machine: how it begins, its deaths, and what must hold after every step."""

from __future__ import annotations

from contextlib import suppress

import pygit2
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from factories.checked import Checked
from factories.scene import Scene
from lazyaf.domain.cards import CardStatus
from lazyaf.domain.jobs import StopReason
from lazyaf.git import merge, refs
from lazyaf.services.merge_queue import advance_merges
from lazyaf.store.cards import CardRow
from machines.merges.people import People
from machines.merges.world import CARDS, CHECKS, FILES, Killed, dying


class MergeMachine(People):
    """What people and runners do, and after each of it: only the right commits are on the base branch."""

    merged_together = 0

    @initialize(have_passed=st.sampled_from([True, True, False]))
    def begin(self, have_passed: bool) -> None:
        """Mostly with cards that have passed on a tip that is the base's no more."""

        async def make() -> None:
            self.scene = Scene(self.db, self.folder / "git", self.clock)
            checked = Checked(self.scene)
            self.repo = await checked.repo([])
            self.cards = [await self.new_card(name) for name in FILES]
            self.former = list[str]()
            await checked.settings(self.repo, checks=CHECKS[self.checks])
            self.checked = checked
            self.seen = await self.scene.tip(self.repo, "main") or ""
            self.looked = 0
            # From here on git writes down where the branch has been.
            repository = pygit2.Repository(str(self.scene.ctx.git.path(self.repo)))
            repository.config["core.logAllRefUpdates"] = True

        self.run(make())
        if have_passed:
            self.judge_all([StopReason.FINISHED] * CARDS)
            self.push_to_main()

    @rule(is_moved=st.booleans())
    def pass_and_die(self, is_moved: bool) -> None:
        """The last word on what is under way; the server dies as it acts on it."""
        self.run(self.agents_work())
        self.scene.db.on_commit.clear()
        while self.held:
            self.run(self.judge(self.held.pop(), StopReason.FINISHED))
        with dying(is_moved=is_moved), suppress(Killed):
            self.run(advance_merges(self.scene.ctx, self.repo))
        self.restart()

    # What must hold

    @invariant()
    def only_the_right_commits_are_there(self) -> None:
        if hasattr(self, "checked"):
            self.loop.run_until_complete(self._look())

    async def _look(self) -> None:
        rows = [await self.scene.card_row(card) for card in (*self.former, *self.cards)]
        merged = {row.merged_sha: row for row in rows if row.merged_sha is not None}
        for row in rows:
            if row.merge_state is not None and row.merge_state["state"] == "bounced":
                self.approved.discard((row.id, row.merge_state["head_sha"]))
        moves = self._moves()
        for old, new in moves[self.looked :]:
            if new not in self.pushed:
                await self._look_at_merge(old, new, merged)
        self.looked = len(moves)

    def _moves(self) -> list[tuple[str, str]]:
        """From where to where the base branch has gone."""
        log = self.scene.ctx.git.path(self.repo) / "logs" / "refs" / "heads" / "main"
        lines = log.read_text().splitlines() if log.exists() else []
        return [(old, new) for old, new, *_ in map(str.split, lines)]

    async def _look_at_merge(self, old: str, new: str, merged: dict[str, CardRow]) -> None:
        sha, cards, names = new, 0, {check["name"] for check in CHECKS[self.checks]}
        while sha != old:
            row, cards = merged[sha], cards + 1
            assert row.status == CardStatus.DONE.value
            assert (row.id, row.head_sha) in self.approved
            tree = await merge.tree_of(self.scene.ctx.git, self.repo, sha)
            results = {(tree, name) for name in names}
            assert (
                results <= self.passed if sha == new else not results & (self.failed - self.passed)
            )
            sha = await self._before(sha, old, merged)
        MergeMachine.merged_together += cards > 1

    async def _before(self, sha: str, old: str, merged: dict[str, CardRow]) -> str:
        """However it was merged, a card is one commit, or a rebase's as many as it has of its own."""
        parents = await refs.parents(self.scene.ctx.git, self.repo, sha)
        if len(parents) > 1:
            return parents[0]
        own = await merge.written(self.scene.ctx.git, self.repo, old, sha)
        while parents[0] != old and parents[0] not in merged and own:
            parents = await refs.parents(self.scene.ctx.git, self.repo, parents[0])
            own.pop()
        return parents[0]
