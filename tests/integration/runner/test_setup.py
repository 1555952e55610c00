"""A job's setup: it comes before the agent, has its own time, and says why it failed."""

from __future__ import annotations

import pytest

from factories.runner_rig import Rig
from lazyaf.domain.jobs import StopReason
from lazyaf.protocol.messages import Limits

TIDY = "trap 'echo tidied; exit 1' TERM; echo busy; while :; do sleep 0.05; done"
"""Says so when it is asked to end."""


async def test_setup_comes_before_the_agent_in_the_same_tree(rig: Rig) -> None:
    ledger = await rig.work(rig.job("cat made.txt", setup="echo by setup > made.txt"))

    assert ledger.texts("stdout") == ["by setup"]
    assert ledger.phases == ["fetching", "setup", "working", "pushing"]


async def test_a_failed_setup_says_its_last_lines_and_the_agent_never_runs(rig: Rig) -> None:
    job = rig.job("echo agent", setup="echo installing; echo no network >&2; exit 7")
    ledger = await rig.work(job)

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.SETUP_FAILED
    assert "exited with code 7" in (ledger.finish.error or "")
    assert "no network" in (ledger.finish.error or "")
    assert ledger.phases == ["fetching", "setup"]
    assert ledger.texts("stdout") == ["installing"]


async def test_a_slow_setup_is_ended(rig: Rig) -> None:
    job = rig.job("true", setup="sleep 1000", limits=Limits(setup_s=0.2))
    ledger = await rig.work(job)

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.SETUP_FAILED
    assert "took longer than 0.2 s" in (ledger.finish.error or "")


async def test_a_slow_setup_may_tidy_up_before_it_is_killed(rig: Rig) -> None:
    ledger = await rig.work(
        rig.job("true", setup=TIDY, limits=Limits(setup_s=1, cancel_grace_s=30))
    )

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.SETUP_FAILED
    assert "took longer than 1 s" in (ledger.finish.error or "")
    assert ledger.texts("stdout") == ["busy", "tidied"]


@pytest.mark.parametrize(
    ("setup", "grace", "told"),
    [(TIDY, 30, ["busy", "tidied"]), (TIDY.replace("echo tidied; exit 1", ""), 0.2, ["busy"])],
    ids=["tidy", "stubborn"],
)
async def test_a_cancelled_setup_has_the_grace_and_no_more(
    rig: Rig, setup: str, grace: float, told: list[str]
) -> None:
    limits = Limits(cancel_grace_s=grace, checkpoint_s=3600)
    async with rig.working(rig.job("echo agent", setup=setup, limits=limits)) as (ledger, _):
        await rig.server.until(lambda: "busy" in ledger.texts("stdout"))
        await rig.server.command(ledger, "cancel")

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.CANCELLED
    assert ledger.texts("stdout") == told


async def test_cancel_during_setup_finishes_cancelled(rig: Rig) -> None:
    async with rig.working(rig.job("true", setup="echo busy; sleep 1000")) as (ledger, _):
        await rig.server.until(lambda: "busy" in ledger.texts("stdout"))
        await rig.server.command(ledger, "cancel")

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.CANCELLED
