"""Whole jobs with the script agent: real git, real sandbox, scripted server."""

from __future__ import annotations

from factories.runner_rig import Rig
from lazyaf.domain.jobs import StopReason


async def test_a_job_edits_commits_and_finishes(rig: Rig) -> None:
    ledger = await rig.work(rig.job("echo two >> app.txt; echo hello; echo oops >&2"))

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED
    assert ledger.finish.error is None
    head = await rig.server.ref(f"{ledger.job.push_prefix}head")
    assert head == ledger.finish.head_sha
    assert await rig.server.show(f"{head}:app.txt") == "one\ntwo"
    assert ledger.phases == ["fetching", "working", "pushing"]
    assert ledger.texts("stdout") == ["hello"]
    assert ledger.texts("stderr") == ["oops"]
    assert "# Demo" in ledger.texts("user")[0]
    assert not rig.tree.exists()
