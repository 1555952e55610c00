"""Whole jobs with the script agent: real git, real sandbox, scripted server."""

from __future__ import annotations

from factories.runner_rig import Rig
from fakes.runner_state import REPO
from lazyaf.domain.jobs import StopReason
from lazyaf.domain.runners import Isolation
from lazyaf.protocol.messages import RegisterRequest
from lazyaf.runner.sandbox import Unsandboxed


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


async def test_the_runner_commits_what_is_left_in_its_own_name(rig: Rig) -> None:
    ledger = await rig.work(rig.job("echo two >> app.txt"))

    head = await rig.server.ref(f"{ledger.job.push_prefix}head")
    said = await rig.server.storage.git(
        REPO, ["log", "-1", "--format=%an <%ae>%n%P%n%B", str(head)]
    )
    assert said.text.splitlines() == [
        "LazyAF <lazyaf@localhost>",
        rig.base,
        "Demo card",
        "",
        "Card #1",
    ]


async def test_the_agents_own_commits_stay_as_they_are(rig: Rig) -> None:
    ledger = await rig.work(rig.job("echo two > b.txt; git add b.txt; git commit -qm 'My words'"))

    head = await rig.server.ref(f"{ledger.job.push_prefix}head")
    said = await rig.server.storage.git(REPO, ["log", "-1", "--format=%s by %an", str(head)])
    assert said.text == "My words by LazyAF"


async def test_nothing_changed_is_no_changes(rig: Rig) -> None:
    ledger = await rig.work(rig.job("true"))

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.NO_CHANGES
    assert ledger.finish.head_sha == rig.base


async def test_a_failed_agent_keeps_its_work(rig: Rig) -> None:
    ledger = await rig.work(rig.job("echo two >> app.txt; echo broken >&2; exit 3"))

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.AGENT_FAILED
    assert "exited with code 3" in (ledger.finish.error or "")
    subject = await rig.server.storage.git(
        REPO, ["log", "-1", "--format=%s", str(ledger.finish.head_sha)]
    )
    assert subject.text == "Work in progress: Demo card"


async def test_a_job_that_goes_well_complains_of_nothing(rig: Rig) -> None:
    ledger = await rig.work(rig.job("echo two >> app.txt; echo new > new.txt"))

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED
    assert [entry.text for entry in ledger.entries if entry.is_error] == []
    assert ledger.checkpoints == []


async def test_an_agent_without_sessions_costs_no_request_for_one(rig: Rig) -> None:
    ledger = await rig.work(rig.job("echo two >> app.txt"))

    assert ledger.finish is not None
    assert not rig.server.was_asked("/session")


async def test_a_job_without_a_sandbox_goes_the_same_way(rig: Rig) -> None:
    rig.sandbox = Unsandboxed("Tested without.")
    script = (
        "setsid sleep 1000 & echo two >> app.txt; git commit -qam 'My words'; echo x > rest.txt"
    )
    ledger = await rig.work(rig.job(script, setup="echo set up"))

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED
    assert await rig.server.show(f"{ledger.finish.head_sha}:rest.txt") == "x"
    registration = RegisterRequest.model_validate(rig.server.registrations[0])
    assert registration.isolation is Isolation.NONE
