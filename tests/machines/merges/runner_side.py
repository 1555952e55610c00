"""What runners do: they take what there is to work, and judge it by its tree, at once or late."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from lazyaf.domain.jobs import StopReason
from lazyaf.git import merge
from lazyaf.protocol.messages import Job
from machines.merges.world import World

VERDICTS = [
    *[StopReason.FINISHED] * 4,
    *[StopReason.CHECKS_FAILED] * 2,
    StopReason.CANCELLED,
    StopReason.SETUP_FAILED,
]


class Runners(World):
    """The acts of runners."""

    async def agents_work(self) -> None:
        """Whatever is to be worked, until the agents' jobs are over; checks are held."""
        while (job := await self.scene.claim(await self.scene.runner())) is not None:
            if job.checks:
                self.held.append(job)
            else:
                await self.scene.finish(job, StopReason.NO_CHANGES)

    @rule(verdicts=st.lists(st.sampled_from(VERDICTS), min_size=1, max_size=8))
    def work_off(self, verdicts: list[StopReason]) -> None:
        """Runners take what there is, and judge it."""
        self.judge_all(verdicts)

    def judge_all(self, verdicts: list[StopReason]) -> None:
        for verdict in verdicts:
            self.run(self.agents_work())
            if self.held:
                self.run(self.judge(self.held.pop(), verdict))

    @rule()
    def claim(self) -> None:
        self.run(self.agents_work())

    @rule(which=st.integers(0, 9), verdict=st.sampled_from(VERDICTS))
    @precondition(lambda self: self.held)
    def judge_late(self, which: int, verdict: StopReason) -> None:
        """What was claimed some steps ago."""
        self.run(self.judge(self.held.pop(which % len(self.held)), verdict))

    async def judge(self, job: Job, verdict: StopReason) -> None:
        names = [check.name for check in job.checks]
        tree = await merge.tree_of(self.scene.ctx.git, self.repo, job.base_sha)
        if verdict is StopReason.FINISHED:
            self.passed |= {(tree, name) for name in names}
            await self.checked.end(job)
        elif verdict is StopReason.CHECKS_FAILED:
            self.failed |= {(tree, name) for name in names}
            await self.checked.end(job, *names)
        else:
            await self.scene.finish(job, verdict)
