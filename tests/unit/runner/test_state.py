"""What a runner remembers over its own death."""

from __future__ import annotations

from pathlib import Path

from lazyaf.protocol.messages import Job, RepoAccess, Task
from lazyaf.runner.state import State

JOB = Job(
    job_id="job-1",
    attempt=1,
    lease="the-lease",
    repo=RepoAccess(
        id="r", name="r", clone_url="/git/r.git", username="u", password="the-password"
    ),
    base="main",
    base_sha="0" * 40,
    branch="b",
    push_prefix="refs/lazyaf/jobs/job-1/1/",
    agent="script",
    task=Task(card_id="c", number=1, title="t"),
)


def test_the_claim_is_the_same_after_a_restart_until_its_job_is_over(tmp_path: Path) -> None:
    state = State(tmp_path)
    claim = state.claim_id
    state.began(JOB)
    state.heard(3)
    again = State(tmp_path)

    assert (again.claim_id, again.job_id, again.heard_up_to) == (claim, "job-1", 3)
    again.done()
    assert again.claim_id != claim
    assert State(tmp_path).job_id is None


def test_another_attempt_does_not_hear_old_commands_again(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.began(JOB)
    state.heard(3)
    state.began(JOB.model_copy(update={"attempt": 2}))

    assert state.heard_up_to == 3
    state.began(JOB.model_copy(update={"job_id": "job-2"}))
    assert state.heard_up_to == 0


def test_no_credential_is_written_down(tmp_path: Path) -> None:
    State(tmp_path).began(JOB)

    written = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b"the-lease" not in written
    assert b"the-password" not in written


def test_a_broken_file_is_a_fresh_start(tmp_path: Path) -> None:
    (tmp_path / "claim.json").write_text("{")

    assert State(tmp_path).job_id is None


def test_outboxes_of_lost_attempts_are_cleared_by_the_next_job(tmp_path: Path) -> None:
    state = State(tmp_path)
    old, new = state.outbox_path(JOB), state.outbox_path(JOB.model_copy(update={"attempt": 2}))
    old.parent.mkdir()
    old.touch()
    new.touch()
    state.began(JOB.model_copy(update={"attempt": 2}))

    assert not old.exists()
    assert new.exists()


def test_until_when_the_server_counts_it_is_the_time_of_a_file(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.connected_until(2_000_000_000.5)
    state.connected_until(2_000_000_010.5)

    assert (tmp_path / "connected-until").stat().st_mtime == 2_000_000_010.5
