"""A repository with checks, and a runner for them that ends them as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from factories.scene import Scene
from lazyaf.domain.checks import CHECKS, CheckOutcome
from lazyaf.domain.events import PERSON
from lazyaf.domain.jobs import JobKind, StopReason
from lazyaf.domain.repo_settings import MergeMethod
from lazyaf.git import blobs
from lazyaf.protocol.messages import CheckReport, Job
from lazyaf.services.approve_card import approve_card
from lazyaf.services.edit_repo import edit_repo
from lazyaf.services.radar import Radar
from lazyaf.services.run_checks import follow_checks
from lazyaf.store.check_runs import CheckRunRow, find_run, runs_of_card
from lazyaf.store.queued_merges import QueuedMerge, queued_merges_of

TESTS = {"name": "tests", "run": "make test"}
LINT = {"name": "lint", "run": "make lint", "timeout_s": 60.0}


class Checked:
    """What a test of checks has in its hands, beside the scene. Whatever ends a job is followed."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        radar = Radar(scene.ctx, pause=0)
        scene.db.on_commit.append(radar.heard)
        scene.db.on_commit.append(partial(follow_checks, scene.ctx))

    async def repo(self, checks: Sequence[dict[str, Any]] = (TESTS,), **settings: Any) -> str:
        repo_id = await self.scene.repo()
        await self.settings(repo_id, checks=list(checks), **settings)
        return repo_id

    async def settings(self, repo_id: str, **changes: Any) -> None:
        await edit_repo(self.scene.ctx, repo_id, {"settings": changes}, if_match=None, actor=PERSON)
        await self.settled()

    async def settled(self) -> None:
        """Everything that follows of what was done has been done."""
        await self.scene.ctx.background.settle()

    async def in_review(self, repo_id: str, files: dict[str, str] | None = None) -> tuple[str, str]:
        """A card in review whose checks are queued, and its head."""
        found = await self.scene.in_review(repo_id, files)
        await self.settled()
        return found

    async def claim(self) -> Job:
        """The checks that come next, claimed by a runner of its own."""
        job = await self.scene.claimed(await self.scene.runner())
        assert (job.kind, job.agent) == (JobKind.CHECK, CHECKS)
        return job

    async def end(self, job: Job, *failed: str) -> None:
        """The runner's word on them: these have failed, the others not."""
        reports = [
            CheckReport(
                name=check.name,
                outcome=CheckOutcome.FAILED if check.name in failed else CheckOutcome.PASSED,
                exit_code=1 if check.name in failed else 0,
                seconds=0.5,
                last_lines=f"{check.name} said no" if check.name in failed else "",
            )
            for check in job.checks
        ]
        reason = StopReason.CHECKS_FAILED if failed else StopReason.FINISHED
        await self.scene.finish(job, reason, checks=reports)
        await self.settled()

    async def passed(self, repo_id: str, files: dict[str, str] | None = None) -> tuple[str, str]:
        """A card in review that has passed."""
        found = await self.in_review(repo_id, files)
        await self.end(await self.claim())
        return found

    async def approve_at_once(
        self, repo_id: str, cards: Sequence[tuple[str, str]], *methods: MergeMethod
    ) -> None:
        """Approvals in this order that are all in the queue before it is looked at."""
        ctx, before = self.scene.ctx, len(await self.queue(repo_id))
        async with ctx.job_locks.hold(f"merges:{repo_id}"):
            approving = []
            for count, (card, head) in enumerate(cards, before + 1):
                method = methods[count - before - 1] if methods else None
                approving.append(asyncio.create_task(approve_card(ctx, card, head, PERSON, method)))
                while len(await self.queue(repo_id)) < count:
                    assert not approving[-1].done(), approving[-1]
        await asyncio.gather(*approving)
        await self.settled()

    async def queue(self, repo_id: str) -> list[QueuedMerge]:
        return await self.scene.db.read(queued_merges_of, repo_id)

    async def tried(self, job: Job) -> list[int]:
        """The numbers of the cards that these checks are about."""
        run = await self.scene.db.read(find_run, job.job_id)
        assert run is not None
        return [one["number"] for one in run.stack or ()] or [job.task.number]

    async def judge_all(self, repo_id: str, *bad: str) -> list[tuple[list[int], bool]]:
        """Run what there is to run until nothing is left: what has one of these files fails. Of each run, whom
        it tried and whether it passed."""
        verdicts = []
        while (job := await self.scene.claim(await self.scene.runner())) is not None:
            git, sha = self.scene.ctx.git, job.base_sha
            found = [await blobs.read_file(git, repo_id, sha, path) for path in bad]
            is_good = all(content is None for content in found)
            verdicts.append((await self.tried(job), is_good))
            await self.end(job, *([] if is_good else ["tests"]))
        return verdicts

    async def runs(self, card_id: str) -> list[CheckRunRow]:
        """The newest first."""
        return await self.scene.db.read(runs_of_card, card_id)

    async def is_idle(self) -> bool:
        """Whether nothing waits for a runner."""
        return await self.scene.claim(await self.scene.runner()) is None
