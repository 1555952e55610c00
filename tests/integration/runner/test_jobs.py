"""Whole jobs with the script agent: real git, real sandbox, scripted server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from unittest.mock import AsyncMock

import pytest

from factories.runner_rig import HOST_ENV, Rig, commit
from fakes.runner_server import REPO, Ledger
from lazyaf.domain.jobs import StopReason
from lazyaf.domain.runners import Isolation
from lazyaf.git import command
from lazyaf.protocol.messages import Job, Limits, RegisterRequest, Resume
from lazyaf.runner import attempt
from lazyaf.runner.marker import Marker
from lazyaf.runner.redaction import PIECE_MIN
from lazyaf.runner.sandbox import Unsandboxed
from lazyaf.runner.setup import SetupFailed
from lazyaf.runner.state import State


async def push(rig: Rig, clone: Path, *refspecs: str) -> None:
    """Put commits of a person's clone on the server."""
    await command.run(
        ["push", "-q", "-f", str(rig.server.storage.path(REPO)), *refspecs], cwd=clone
    )


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


async def test_a_failed_setup_says_its_last_lines_and_the_agent_never_runs(rig: Rig) -> None:
    job = rig.job("echo agent", setup="echo installing; echo no network >&2; exit 7")
    ledger = await rig.work(job)

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.SETUP_FAILED
    assert "exited with code 7" in (ledger.finish.error or "")
    assert "no network" in (ledger.finish.error or "")
    assert ledger.phases == ["fetching", "setup"]
    assert ledger.texts("stdout") == ["installing"]


async def test_no_secret_is_in_what_a_failed_setup_says(rig: Rig) -> None:
    secret, chosen = "hunter2-hunter2-hunter2", "npm-0123456789abcdef"
    setup = 'printf "%0390d$SECRET\\n" 0; echo "$NPM_TOKEN"; exit 1'  # cut in the middle of it
    env = {**HOST_ENV, "LAZYAF_AGENT_ENV": "NPM_TOKEN", "NPM_TOKEN": chosen}
    job = rig.job("true", setup=setup, setup_env={"SECRET": secret})
    ledger = await rig.work(job, host_env=env)

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.SETUP_FAILED
    for told in (str(ledger.finish.error), "".join(e.model_dump_json() for e in ledger.entries)):
        assert "[redacted]" in told
        assert secret[:8] not in told
        assert chosen not in told


async def test_no_secret_is_in_an_error_wherever_it_comes_from(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = rig.job("true", setup="true", setup_env={"SECRET": "hunter2-hunter2"})
    failing = AsyncMock(side_effect=SetupFailed("It said hunter2-hunter2."))
    monkeypatch.setattr(attempt, "run_setup", failing)
    ledger = await rig.work(job)

    assert ledger.finish is not None
    assert ledger.finish.error == "It said [redacted]."


async def test_no_secret_is_in_base64_over_several_lines(rig: Rig) -> None:
    secret = "sk-ant-api03-" + "".join(f"{n:02x}Zq{n * 7919 % 997:03d}" for n in range(14))
    script = 'printf %s "$API_TOKEN" | base64; printf "key: $API_TOKEN" | base64 -w 30 >&2'
    ledger = await rig.work(rig.job(script, env={"API_TOKEN": secret}))

    for lines in (ledger.texts("stdout"), ledger.texts("stderr")):
        assert "[redacted]" in lines[0]
        left = "".join(lines).replace("[redacted]", "").replace("=", "")
        assert len(left) < len("a2V5OiB") + PIECE_MIN, "more than a few characters of the last line"


async def test_no_secret_is_in_what_a_checkpoint_notes(rig: Rig) -> None:
    script = (
        "echo '*.log' > .gitignore; touch $API_TOKEN.log; "
        "until test -e stop; do sleep 0.05; done; rm stop"
    )
    limits = Limits(checkpoint_s=0.1, cancel_grace_s=5)
    job = rig.job(script, env={"API_TOKEN": "hunter2-hunter2"}, limits=limits)
    async with rig.working(job) as (ledger, _):
        await rig.server.until(lambda: any(each.notes for each in ledger.checkpoints))
        (rig.tree / "stop").touch()

    notes = "".join(note for each in ledger.checkpoints for note in each.notes)
    assert "[redacted].log" in notes
    assert "hunter2" not in notes


async def test_a_slow_setup_is_ended(rig: Rig) -> None:
    job = rig.job("true", setup="sleep 1000", limits=Limits(setup_s=0.2))
    ledger = await rig.work(job)

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.SETUP_FAILED
    assert "took longer than 0.2 s" in (ledger.finish.error or "")


TIDY = "trap 'echo tidied; exit 1' TERM; echo busy; while :; do sleep 0.05; done"
"""Says so when it is asked to end."""


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


async def test_setup_comes_before_the_agent_in_the_same_tree(rig: Rig) -> None:
    ledger = await rig.work(rig.job("cat made.txt", setup="echo by setup > made.txt"))

    assert ledger.texts("stdout") == ["by setup"]
    assert ledger.phases == ["fetching", "setup", "working", "pushing"]


async def test_secrets_are_for_setup_and_are_not_shown(rig: Rig) -> None:
    job = rig.job(
        'echo "agent has ${TOKEN-none}"',
        setup='echo "setup has $TOKEN"',
        setup_env={"TOKEN": "a-private-registry"},
    )
    ledger = await rig.work(job)

    assert ledger.texts("stdout") == ["setup has [redacted]", "agent has none"]


async def test_a_job_past_its_limit_is_timed_out(rig: Rig) -> None:
    ledger = await rig.work(rig.job("sleep 1000", limits=Limits(job_s=0.5, cancel_grace_s=5)))

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.TIMED_OUT
    assert ledger.finish.error == "The job took longer than 0.5 s."


async def leave_with_the_limit_used_up(rig: Rig, job: Job) -> Ledger:
    """A runner that has begun this job and is gone, and by its note has worked as long as it may."""
    async with rig.working(job) as (ledger, loop):
        await rig.server.until(lambda: "ready" in ledger.texts("stdout"))
        loop.leave()
    note = rig.tree.parent / "job.json"
    left = Marker.load(note)
    assert left is not None
    assert left.worked_s > 0
    left.worked_s += job.limits.job_s
    left.save(note)
    return ledger


async def test_the_limit_counts_what_an_earlier_process_has_worked(rig: Rig) -> None:
    job = rig.job("echo two >> app.txt; echo ready; sleep 1000", limits=Limits(job_s=1000))
    ledger = await leave_with_the_limit_used_up(rig, job)

    async with rig.loop() as again, asyncio.timeout(60):
        await again.run()
    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.TIMED_OUT
    assert await rig.server.show(f"{ledger.finish.head_sha}:app.txt") == "one\ntwo"


async def test_the_next_attempt_has_the_whole_limit_again(rig: Rig) -> None:
    job = rig.job("test -e two && exit; touch two; echo ready; sleep 1000")
    await leave_with_the_limit_used_up(rig, job)

    State(rig.config().state_dir).done()
    again = await rig.work(rig.job("true", job_id=job.job_id, attempt=2))
    assert again.finish is not None
    assert again.finish.stop_reason is StopReason.FINISHED


async def test_a_silent_agent_is_stalled_and_keeps_its_work(rig: Rig) -> None:
    limits = Limits(idle_s=1, cancel_grace_s=5, checkpoint_s=3600)
    ledger = await rig.work(rig.job("echo two >> app.txt; sleep 1000", limits=limits))

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.STALLED
    assert await rig.server.show(f"{ledger.finish.head_sha}:app.txt") == "one\ntwo"


async def test_cancel_stops_the_agent_and_keeps_its_work(rig: Rig) -> None:
    job = rig.job("echo two >> app.txt; echo ready; sleep 1000")
    async with rig.working(job) as (ledger, _):
        await rig.server.until(lambda: "ready" in ledger.texts("stdout"))
        await rig.server.command(ledger, "cancel")

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.CANCELLED
    subject = await rig.server.storage.git(
        REPO, ["log", "-1", "--format=%s", str(ledger.finish.head_sha)]
    )
    assert subject.text == "Work in progress: Demo card"


async def test_cancel_kills_what_ignores_it_even_when_detached(rig: Rig) -> None:
    stubborn = "setsid sh -c 'trap \"\" TERM; echo here; while :; do sleep 1; done' & "
    job = rig.job(
        f"trap '' TERM; {stubborn} wait", limits=Limits(cancel_grace_s=0.2, checkpoint_s=3600)
    )
    async with rig.working(job) as (ledger, _):
        await rig.server.until(lambda: "here" in ledger.texts("stdout"))
        await rig.server.command(ledger, "cancel")

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.CANCELLED


async def test_what_a_checkpoint_has_brought_is_not_sent_again(rig: Rig) -> None:
    job = rig.job(
        "head -c 1000000 /dev/urandom > new.bin; until test -e go; do sleep 0.05; done; rm go",
        limits=Limits(checkpoint_s=0.1, cancel_grace_s=5),
    )
    async with rig.working(job) as (ledger, _):
        await rig.server.until(lambda: any(each.sha for each in ledger.checkpoints))
        (rig.tree / "go").touch()

    assert ledger.finish is not None
    assert await rig.server.show(f"{ledger.finish.head_sha}:new.bin")
    assert [size for size in rig.server.pushes if size > 1_000_000] == [max(rig.server.pushes)]


async def test_a_stubborn_agents_work_is_saved_before_it_is_killed(rig: Rig) -> None:
    job = rig.job(
        "trap '' TERM; echo two >> app.txt; echo ready; until test -e go; do sleep 0.05; done",
        limits=Limits(checkpoint_s=3600, cancel_grace_s=60),
    )
    async with rig.working(job) as (ledger, _):
        await rig.server.until(lambda: "ready" in ledger.texts("stdout"))
        await rig.server.command(ledger, "cancel")
        await rig.server.until(lambda: bool(ledger.checkpoints))
        assert await rig.server.show(f"{ledger.checkpoints[0].sha}:app.txt") == "one\ntwo"
        (rig.tree / "go").touch()

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.CANCELLED


async def test_cancel_during_setup_finishes_cancelled(rig: Rig) -> None:
    async with rig.working(rig.job("true", setup="echo busy; sleep 1000")) as (ledger, _):
        await rig.server.until(lambda: "busy" in ledger.texts("stdout"))
        await rig.server.command(ledger, "cancel")

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.CANCELLED


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


async def test_a_rebase_left_unfinished_is_kept_as_a_checkpoint(rig: Rig) -> None:
    script = """
    echo mine > app.txt; git commit -qam mine
    git checkout -q -b other HEAD~1; echo other > app.txt; git commit -qam other
    git checkout -q lazyaf/1-demo; git rebase other; echo after > new.txt; true
    """
    ledger = await rig.work(rig.job(script))

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.AGENT_FAILED
    assert "rebase unfinished" in (ledger.finish.error or "")
    assert await rig.server.show(f"{ledger.finish.head_sha}:app.txt") == "mine"
    assert ledger.checkpoints[-1].sha is not None
    assert await rig.server.show(f"{ledger.checkpoints[-1].sha}:new.txt") == "after"


async def test_a_job_that_goes_well_complains_of_nothing(rig: Rig) -> None:
    ledger = await rig.work(rig.job("echo two >> app.txt; echo new > new.txt"))

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED
    assert [entry.text for entry in ledger.entries if entry.is_error] == []
    assert ledger.checkpoints == []


async def test_the_files_of_a_repository_inside_are_kept_beside_the_commit(rig: Rig) -> None:
    script = """
    git init -q inside; cd inside; echo i > i.txt; git add -A
    git -c user.name=a -c user.email=a@b commit -q -m i; echo l > l.txt
    """
    ledger = await rig.work(rig.job(script))

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED
    assert any("inside is committed as a link only" in text for text in ledger.texts("system"))
    saved = ledger.checkpoints[-1].sha
    assert await rig.server.show(f"{saved}:inside/i.txt") == "i"
    assert await rig.server.show(f"{saved}:inside/l.txt") == "l"


async def test_a_destroyed_repository_still_gives_its_files(rig: Rig) -> None:
    ledger = await rig.work(rig.job("echo two >> app.txt; rm -rf .git"))

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED
    assert await rig.server.show(f"{ledger.finish.head_sha}:app.txt") == "one\ntwo"
    assert any("broke the repository" in text for text in ledger.texts("system"))


async def test_a_broken_index_costs_no_commit(rig: Rig) -> None:
    script = (
        "echo two >> app.txt; git commit -qam 'My words'; echo no index > .git/index; echo 3 > c"
    )
    ledger = await rig.work(rig.job(script))

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.FINISHED
    assert await rig.server.show(f"{ledger.finish.head_sha}:c") == "3"
    said = await rig.server.storage.git(
        REPO, ["log", "--format=%s", f"{rig.base}..{ledger.finish.head_sha}"]
    )
    assert said.text.splitlines() == ["Demo card", "My words"]


async def test_a_refused_push_keeps_the_work_on_the_runner(rig: Rig) -> None:
    rig.server.push_limit = 1000
    job = rig.job("head -c 100000 /dev/urandom > big.bin")
    ledger = await rig.work(job)

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.PUSH_REJECTED
    assert ledger.finish.head_sha is None
    kept = rig.work_dir / "trees" / f"card-1.kept-{job.job_id}" / "work" / "big.bin"
    assert kept.stat().st_size == 100_000


async def test_a_checkpoint_saves_what_is_not_committed(rig: Rig) -> None:
    job = rig.job(
        "echo two >> app.txt; echo new > new.txt; until test -e stop; do sleep 0.05; done; rm stop",
        limits=Limits(checkpoint_s=0.1),
    )
    async with rig.working(job) as (ledger, _):
        await rig.server.until(lambda: any(c.files == 2 for c in ledger.checkpoints))
        saved = next(c for c in ledger.checkpoints if c.files == 2)
        assert saved.head_sha == rig.base
        assert (saved.additions, saved.deletions) == (2, 0)
        assert await rig.server.show(f"{saved.sha}:new.txt") == "new"
        (rig.tree / "stop").touch()


async def test_an_agent_without_sessions_costs_no_request_for_one(rig: Rig) -> None:
    ledger = await rig.work(rig.job("echo two >> app.txt"))

    assert ledger.finish is not None
    assert not rig.server.was_asked("/session")


async def test_home_stays_between_the_rounds_of_a_card(rig: Rig) -> None:
    await rig.work(rig.job("echo remembered > $HOME/session"))
    ledger = await rig.work(rig.job("cat $HOME/session"))

    assert ledger.texts("stdout") == ["remembered"]


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
