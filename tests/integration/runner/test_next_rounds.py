"""What a job finds of the rounds and attempts before it."""

from __future__ import annotations

from pathlib import Path

from factories.runner_rig import Rig, commit
from fakes.runner_state import REPO
from lazyaf.domain.jobs import StopReason
from lazyaf.git import command
from lazyaf.protocol.messages import Resume


async def push(rig: Rig, clone: Path, *refspecs: str) -> None:
    """Put commits of a person's clone on the server."""
    await command.run(
        ["push", "-q", "-f", str(rig.server.storage.path(REPO)), *refspecs], cwd=clone
    )


async def test_the_next_round_continues_on_the_branch_and_merges_the_base(
    rig: Rig, clone: Path
) -> None:
    await command.run(["switch", "-q", "-c", "work"], cwd=clone)
    tip = await commit(clone, {"feature.txt": "mine\n"})
    await command.run(["switch", "-q", "main"], cwd=clone)
    base = await commit(clone, {"app.txt": "one\nfrom main\n"})
    await push(rig, clone, "main", "work:lazyaf/1-demo")

    job = rig.job(
        "cat app.txt feature.txt; echo more >> feature.txt", base_sha=base, branch_sha=tip
    )
    ledger = await rig.work(job)

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED
    assert ledger.texts("stdout") == ["one", "from main", "mine"]
    merged = await rig.server.storage.git(
        REPO, ["merge-base", "--is-ancestor", base, str(ledger.finish.head_sha)], ok=(0, 1)
    )
    assert merged.returncode == 0


async def test_a_base_that_conflicts_is_told_to_the_agent(rig: Rig, clone: Path) -> None:
    await command.run(["switch", "-q", "-c", "work"], cwd=clone)
    tip = await commit(clone, {"app.txt": "mine\n"})
    await command.run(["switch", "-q", "main"], cwd=clone)
    base = await commit(clone, {"app.txt": "theirs\n"})
    await push(rig, clone, "main", "work:lazyaf/1-demo")

    job = rig.job('echo "$MERGE_CONFLICTS"; git status -s', base_sha=base, branch_sha=tip)
    ledger = await rig.work(job)

    assert ledger.texts("stdout") == ['["app.txt"]']
    assert "Conflicts with `main`" in ledger.texts("user")[0]
    assert any("conflicts in: app.txt" in text for text in ledger.texts("system"))


async def test_uncommitted_work_of_an_earlier_attempt_is_laid_over_its_head(
    rig: Rig, clone: Path
) -> None:
    head = await commit(clone, {"done.txt": "committed\n"})
    (clone / "app.txt").unlink()
    saved = await commit(clone, {"wip.txt": "not yet\n"})
    await push(rig, clone, f"{head}:refs/lazyaf/jobs/x/1/head", f"{saved}:refs/lazyaf/jobs/x/1/wip")

    resume = Resume(head=head, checkpoint=saved)
    ledger = await rig.work(rig.job("git status --short; git log --format=%H -1", resume=resume))

    assert ledger.texts("stdout") == [" D app.txt", "?? wip.txt", head]
    assert ledger.finish is not None
    assert await rig.server.show(f"{ledger.finish.head_sha}:wip.txt") == "not yet"


async def test_home_stays_between_the_rounds_of_a_card(rig: Rig) -> None:
    await rig.work(rig.job("echo remembered > $HOME/session"))
    ledger = await rig.work(rig.job("cat $HOME/session"))

    assert ledger.texts("stdout") == ["remembered"]
