"""What holds a job back, and among whom it has its place."""

from __future__ import annotations

import pytest

from lazyaf.domain.checks import CHECKS
from lazyaf.domain.queue import HeldBy, Holds, Lane

FULL = Holds(
    offered=frozenset({"script", "claude"}),
    full_repos=frozenset({"full"}),
    full_agents=frozenset({"claude"}),
    preparing=frozenset({"coming"}),
)


@pytest.mark.parametrize("repo", ["shop", "full"])
@pytest.mark.parametrize("holds", [FULL, Holds(offered=frozenset({"claude"}))])
def test_whoever_runs_an_agent_runs_checks_and_no_limit_holds_them(holds: Holds, repo: str) -> None:
    assert holds.over(repo, CHECKS) is None


@pytest.mark.parametrize(
    ("holds", "repo", "reason"),
    [
        (Holds(), "shop", HeldBy.NO_RUNNER),
        (FULL, "coming", HeldBy.IMAGE),
        (Holds(is_disk_low=True), "shop", HeldBy.DISK),
        (Holds(is_paused=True, is_disk_low=True), "shop", HeldBy.PAUSED),
    ],
)
def test_what_holds_checks(holds: Holds, repo: str, reason: HeldBy) -> None:
    assert holds.over(repo, CHECKS) is reason


def test_checks_have_their_place_among_checks() -> None:
    checks = frozenset({CHECKS})
    assert Holds().lane("shop", CHECKS) == Lane(checks)
    for repo in ("shop", "full"):
        assert FULL.lane(repo, CHECKS) == Lane(checks, without=FULL.preparing)
    assert FULL.lane("coming", CHECKS) == Lane(checks, repo_id="coming")


@pytest.mark.parametrize("repo", ["shop", "full", "coming"])
@pytest.mark.parametrize("agent", ["script", "claude", "unknown"])
def test_an_agents_job_has_its_place_among_agents_jobs(repo: str, agent: str) -> None:
    assert CHECKS not in FULL.lane(repo, agent).agents
