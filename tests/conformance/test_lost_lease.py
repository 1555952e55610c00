"""What is left of a job's credential when its lease is lost: one new ref, once, and nothing to read."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text

from conformance.attempt import APPROVE, Attempt, begin
from conformance.client import CAPABILITIES, RECEIVE
from lazyaf.git import command
from lazyaf.git.pktline import ZERO, encode_push_request
from lazyaf.protocol import LEASE_HEADER
from lazyaf.store.tx import Tx
from lazyaf.web import git_http
from support.app import Served
from support.waiting import until


@pytest_asyncio.fixture
async def attempt(served: Served, tmp_path: Path) -> Attempt:
    """A live attempt with a commit to push."""
    return await begin(served, tmp_path / "agent")


async def test_a_lost_lease_reads_nothing(attempt: Attempt) -> None:
    await attempt.lose()
    for words in (("ls-remote",), ("fetch",)):
        said = await attempt.said(*words, attempt.url())
        assert "This job's attempt is over: its credential reads nothing any more." in said


async def test_a_lost_lease_leaves_its_work_as_an_orphan_once(attempt: Attempt) -> None:
    await attempt.lose()
    await attempt.push(f"HEAD:{attempt.orphan}")
    first = await attempt.refs()
    assert first[attempt.orphan] == await attempt.tip()
    await attempt.git("commit", "-q", "--allow-empty", "-m", "more")
    said = await attempt.said("push", attempt.url(), f"+HEAD:{attempt.orphan}")
    assert "the lease is lost: what is there stays, only new refs are taken" in said
    said = await attempt.said("push", attempt.url(), f":{attempt.orphan}")
    assert "a job deletes nothing" in said
    assert await attempt.refs() == first


async def test_a_lost_lease_writes_nothing_else(attempt: Attempt) -> None:
    await attempt.lose()
    before, job_id = await attempt.refs(), attempt.job["job_id"]
    for ref in (
        f"{attempt.prefix}head",
        f"{attempt.orphan}/more",
        f"{attempt.orphan}2",
        f"refs/lazyaf/jobs/{job_id}/orphan/2",
        f"refs/lazyaf/jobs/{job_id}/2/head",
        "refs/lazyaf/jobs/other/orphan/1",
        "refs/tags/v1",
    ):
        said = await attempt.said("push", attempt.url(), f"HEAD:{ref}")
        assert f"the lease of this job is lost: it writes only {attempt.orphan}" in said
        assert await attempt.refs() == before


async def test_a_lost_lease_does_not_touch_branches(attempt: Attempt) -> None:
    await attempt.lose()
    assert APPROVE in await attempt.said("push", attempt.url(), "HEAD:refs/heads/main")


async def test_an_orphan_has_a_quota(attempt: Attempt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_http, "ORPHAN_LIMIT", 1_000_000)
    (attempt.folder / "blob").write_bytes(os.urandom(3_000_000))
    await attempt.git("add", "-A")
    await attempt.git("commit", "-q", "-m", "large")
    await attempt.lose()
    said = await attempt.said("push", attempt.url(), f"HEAD:{attempt.orphan}")
    assert "pack exceeds maximum allowed size" in said
    assert attempt.orphan not in await attempt.refs()


async def test_a_lost_lease_is_forgotten_after_a_week(attempt: Attempt) -> None:
    await attempt.lose()
    eight_days_ago = (datetime.now(UTC) - timedelta(days=8)).isoformat()

    def age(tx: Tx) -> None:
        tx.execute(text("UPDATE attempts SET ended_at = :at"), {"at": eight_days_ago})

    await attempt.served.db.write(age)
    said = await attempt.said("push", attempt.url(), f"HEAD:{attempt.orphan}")
    assert "This git password is not known." in said


async def test_a_finished_job_writes_no_more(attempt: Attempt) -> None:
    await attempt.push(f"HEAD:{attempt.prefix}head")
    finished = await attempt.served.runner.post(
        f"/api/runner/v1/jobs/{attempt.job['job_id']}/finish",
        json={"stop_reason": "finished", "head_sha": await attempt.tip()},
        headers={LEASE_HEADER: attempt.job["lease"]},
    )
    assert finished.status_code == 200, finished.text
    before = await attempt.refs()
    await attempt.git("commit", "-q", "--amend", "-m", "afterwards")
    said = await attempt.said("push", attempt.url(), f"+HEAD:{attempt.prefix}head")
    assert "the lease of this job is lost" in said
    assert await attempt.refs() == before


class Upload:
    """A push of the attempt's that has begun and waits in the middle of its pack."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._rest = asyncio.Event()
        self.has_begun = asyncio.Event()

    async def push(self) -> tuple[int, str]:
        """The whole push; status and answer."""
        attempt = self._attempt
        head = await attempt.tip()
        pack = await command.run(
            ["pack-objects", "--revs", "--stdout", "-q"],
            cwd=attempt.folder,
            stdin=f"{head}\n^{head}~1\n".encode(),
        )
        commands = [(ZERO, head, f"{attempt.prefix}head")]
        body = encode_push_request(commands, CAPABILITIES) + pack.stdout

        async def pieces() -> AsyncIterator[bytes]:
            yield body[:-50]
            self.has_begun.set()
            await self._rest.wait()
            yield body[-50:]

        answer = await attempt.served.stranger.post(
            f"/git/{attempt.job['repo']['id']}.git/{RECEIVE}",
            content=pieces(),
            headers={"Content-Type": f"application/x-{RECEIVE}-request"},
            auth=(attempt.job["repo"]["username"], attempt.job["repo"]["password"]),
        )
        return answer.status_code, answer.text

    def go_on(self) -> None:
        """Send the rest."""
        self._rest.set()


async def test_a_push_that_began_before_the_lease_was_lost_is_refused_after_its_upload(
    attempt: Attempt,
) -> None:
    upload = Upload(attempt)
    pushing = asyncio.create_task(upload.push())
    await upload.has_begun.wait()
    await attempt.revoke()
    upload.go_on()
    status, said = await pushing
    assert status == 200
    assert "the lease of this job is lost; its work goes to a ref of its own" in said
    assert f"{attempt.prefix}head" not in await attempt.refs()


async def test_a_push_that_began_before_the_lease_was_lost_is_ended_with_it(
    attempt: Attempt,
) -> None:
    upload = Upload(attempt)
    pushing = asyncio.create_task(upload.push())
    await upload.has_begun.wait()
    await asyncio.to_thread(until, attempt.quarantines, "git took the objects in")
    await attempt.lose()  # returns when no push of the lease is left
    assert attempt.quarantines() == []
    upload.go_on()
    status, said = await pushing
    assert (status, "lease" in said) == (409, True)
    assert f"{attempt.prefix}head" not in await attempt.refs()
