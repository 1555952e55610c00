"""The working phase of a job that has no agent: the repository's checks, one after the other.

Each runs to its end, whatever came of those before it, so that one run tells everything that is wrong.
"""

from __future__ import annotations

import time

from lazyaf.domain.checks import CheckOutcome
from lazyaf.domain.jobs import StopReason
from lazyaf.domain.runners import Isolation
from lazyaf.protocol.messages import CheckReport, CheckTask
from lazyaf.runner.bench import Bench
from lazyaf.runner.commands import Ended, run_command
from lazyaf.runner.marker import Result
from lazyaf.runner.memory import RAN_OUT, OomWatch


class Checking:
    """Runs the checks of one attempt. ``reports`` are those that have ended."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.reports: list[CheckReport] = []

    async def run(self) -> Result:
        """Run them all. Raises `Stopped`."""
        memory = OomWatch()
        for check in self._bench.job.checks:
            self.reports.append(await self._one(check))
        failed = [r.name for r in self.reports if r.outcome is not CheckOutcome.PASSED]
        if not failed:
            return Result(stop_reason=StopReason.FINISHED)
        if self._bench.sandbox.isolation is Isolation.CONTAINER and memory.has_struck():
            return Result(stop_reason=StopReason.OUT_OF_MEMORY, error=RAN_OUT)
        return Result(stop_reason=StopReason.CHECKS_FAILED, error=f"Failed: {', '.join(failed)}.")

    async def _one(self, check: CheckTask) -> CheckReport:
        bench = self._bench
        bench.story.system(f"{check.name}: {check.run}")
        began = time.monotonic()
        view, limits = bench.command_view(), bench.job.limits
        ended = await run_command(
            bench.sandbox, check.run, view, bench.story, check.timeout_s, limits, bench.stop
        )
        outcome = _outcome(ended)
        passed = outcome is CheckOutcome.PASSED
        verdict = "passed" if passed else ended.how
        bench.story.system(f"{check.name} {verdict}.", is_error=not passed)
        return CheckReport(
            name=check.name,
            outcome=outcome,
            exit_code=ended.code,
            seconds=round(time.monotonic() - began, 3),
            last_lines="" if passed else "\n".join(ended.last),
        )


def _outcome(ended: Ended) -> CheckOutcome:
    if ended.code is None:
        return CheckOutcome.TIMED_OUT
    return CheckOutcome.PASSED if ended.code == 0 else CheckOutcome.FAILED
