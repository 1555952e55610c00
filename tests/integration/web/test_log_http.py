"""A job's log over HTTP: pages, streams, batches, and what follows it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from lazyaf.web.routers import jobs
from support.app import Served, lease

LOG = [{"at": "now", "kind": "message", "text": f"line {i}"} for i in range(1, 6)]


async def test_a_log_is_read_in_pages_streamed_and_downloaded(served: Served) -> None:
    job = await served.job(await served.repo())
    path = f"/api/runner/v1/jobs/{job['job_id']}"
    stored = await served.runner.post(
        f"{path}/log", json={"src_seq": 1, "entries": LOG}, headers=lease(job)
    )
    assert stored.json() == {"stored": 5}
    gap = await served.runner.post(
        f"{path}/log", json={"src_seq": 9, "entries": LOG}, headers=lease(job)
    )
    assert (gap.status_code, gap.json()["expected"]) == (409, 6)
    read = f"/api/jobs/{job['job_id']}/logs"
    page = (await served.person.get(read, params={"after": 1, "limit": 2})).json()
    assert [(e["seq"], e["attempt"]) for e in page["items"]] == [(2, 1), (3, 1)]
    assert (page["next_after"], page["last_seq"], page["is_final"]) == (3, 5, False)
    back = (await served.person.get(read, params={"before": 4, "limit": 2})).json()
    assert [e["seq"] for e in back["items"]] == [2, 3]
    raw = await served.person.get(read, params={"format": "raw"})
    assert "attachment" in raw.headers["content-disposition"]
    assert raw.text.splitlines()[0] == "[message] line 1"

    async def stream() -> str:
        heard = ""
        accept = {"Accept": "text/event-stream"}
        async with served.person.stream("GET", read, headers=accept) as answer:
            async for piece in answer.aiter_text():
                heard += piece
        return heard

    following = asyncio.create_task(stream())
    finished = await served.runner.post(
        f"{path}/finish", json={"stop_reason": "agent_failed", "last_seq": 5}, headers=lease(job)
    )
    assert finished.json() == {"status": "failed"}
    heard = await following
    assert heard.count("\ndata: ") == 6
    assert heard.endswith("event: end\ndata: {}\n\n")


async def followed(served: Served, job_id: str, until: str, **headers: str) -> str:
    """What the stream of a log says, up to these words."""
    accept = {"Accept": "text/event-stream", **headers}
    heard = ""
    async with (
        asyncio.timeout(20),
        served.person.stream("GET", f"/api/jobs/{job_id}/logs", headers=accept) as answer,
    ):
        async for piece in answer.aiter_text():
            heard += piece
            if until in heard:
                break
    return heard


async def test_a_stream_that_was_cut_is_taken_up_as_browsers_do(served: Served) -> None:
    job = await served.job(await served.repo())
    await served.runner.post(
        f"/api/runner/v1/jobs/{job['job_id']}/log",
        json={"src_seq": 1, "entries": LOG},
        headers=lease(job),
    )
    heard = await followed(served, job["job_id"], f"id: {len(LOG)}\n", **{"Last-Event-ID": "1"})
    assert [line for line in heard.splitlines() if line.startswith("id: ")] == [
        f"id: {seq}" for seq in range(2, len(LOG) + 1)
    ]


async def test_a_silent_stream_says_that_it_lives(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "FALLBACK_S", 0.01)
    monkeypatch.setattr(jobs, "KEEP_ALIVE_S", 0.0)
    job = await served.job(await served.repo())
    assert await followed(served, job["job_id"], ":\n\n") == ":\n\n"


async def test_followers_are_woken_by_entries_and_by_the_end(served: Served) -> None:
    job = await served.job(await served.repo())
    path = f"/api/runner/v1/jobs/{job['job_id']}"
    line = served.house.ctx.followers
    for request, body in (
        ("log", {"src_seq": 1, "entries": LOG}),
        ("finish", {"stop_reason": "agent_failed", "last_seq": len(LOG)}),
    ):
        news = line.join(job["job_id"])
        assert (
            await served.runner.post(f"{path}/{request}", json=body, headers=lease(job))
        ).is_success
        assert news.done()


async def test_a_follower_needs_no_look_in_between(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "FALLBACK_S", 3600.0)
    job = await served.job(await served.repo())
    path = f"/api/runner/v1/jobs/{job['job_id']}"
    following = asyncio.create_task(followed(served, job["job_id"], "event: end"))
    body = {"src_seq": 1, "entries": LOG}
    await served.runner.post(f"{path}/log", json=body, headers=lease(job))
    ending = {"stop_reason": "agent_failed"}
    await served.runner.post(f"{path}/finish", json=ending, headers=lease(job))
    assert (await following).count("\ndata: ") == len(LOG) + 1


async def test_a_follower_is_sent_away_when_the_server_leaves(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "FALLBACK_S", 3600.0)
    job = await served.job(await served.repo())
    line = served.house.ctx.followers
    following = asyncio.create_task(followed(served, job["job_id"], "never said"))
    async with asyncio.timeout(20):
        while not line._waiting:  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.005)
    line.drain()
    assert await following == ""


async def test_a_batch_that_is_wrong_is_refused_by_name(served: Served) -> None:
    job = await served.job(await served.repo())
    path = f"/api/runner/v1/jobs/{job['job_id']}/log"
    unleased = await served.runner.post(path, json={"src_seq": 1, "entries": LOG})
    assert (unleased.status_code, list(unleased.json()["fields"])) == (422, ["Lazyaf-Lease"])
    wrong = await served.runner.post(
        path, json={"src_seq": 1, "entries": [*LOG, {"kind": "message"}]}, headers=lease(job)
    )
    assert (wrong.status_code, list(wrong.json()["fields"])) == (422, ["entries.5.at"])
    torn = await served.runner.post(path, content=b'{"src_seq": 1,', headers=lease(job))
    assert (torn.status_code, torn.json()["code"]) == (400, "bad_request")


async def test_a_batch_as_large_as_may_be_comes_back_whole(served: Served) -> None:
    job = await served.job(await served.repo())
    entries = [{"at": "now", "kind": "stdout", "text": f"{n} " + "é" * n} for n in range(1500)]
    stored = await served.runner.post(
        f"/api/runner/v1/jobs/{job['job_id']}/log",
        json={"src_seq": 1, "entries": entries},
        headers=lease(job),
    )
    assert stored.json() == {"stored": 1500}
    read = await served.person.get(f"/api/jobs/{job['job_id']}/logs", params={"limit": 2000})
    assert [item["text"] for item in read.json()["items"]] == [e["text"] for e in entries]


@pytest.mark.parametrize(
    "entry",
    [
        {"at": "now", "kind": "usage", "usage": {"cost_usd": 1e999}},
        {"at": "now", "kind": "tool_call", "input": {"x": "\ud800", "y": float("nan")}},
        {"at": "now", "kind": "tool_call", "input": {"n": 10**400, "y": 1e999}},
        {"at": "now", "kind": "system", "text": "\ud800"},
        {"at": "now", "kind": "message", "text": "a\0b"},
    ],
)
async def test_no_entry_of_an_agent_is_a_500(served: Served, entry: dict[str, Any]) -> None:
    """A 500 would be sent again for ever."""
    repo = await served.repo()
    job = await served.job(repo)
    body = json.dumps({"src_seq": 1, "entries": [entry]})
    answer = await served.runner.post(
        f"/api/runner/v1/jobs/{job['job_id']}/log",
        content=body,
        headers={**lease(job), "Content-Type": "application/json"},
    )
    assert answer.status_code in (200, 422), answer.text
    assert (await served.person.get(f"/api/repos/{repo}/cards")).status_code == 200
    assert (await served.person.get(f"/api/jobs/{job['job_id']}/logs")).status_code == 200
