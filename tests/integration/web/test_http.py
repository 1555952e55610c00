"""The API over real HTTP: problems, lists, conditions, logs and long polls."""

from __future__ import annotations

import asyncio
import base64
import errno
import json
from typing import Any

import pytest

from support.app import Served, lease


def cursor_of(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "code"),
    [
        ("GET", "/api/nope", None, 404, "not_found"),
        ("GET", "/git/nope", None, 404, "not_found"),
        ("GET", "/api/cards/nope", None, 404, "not_found"),
        ("GET", "/api/cards/01900000-0000-7000-8000-0000000000ff", None, 404, "not_found"),
        ("GET", "/api/repos/nope", None, 404, "not_found"),
        ("GET", "/api/repos/%00", None, 404, "not_found"),
        ("PUT", "/api/repos", b"{}", 405, "method_not_allowed"),
        ("DELETE", "/api/health", None, 405, "method_not_allowed"),
        ("POST", "/", b"{}", 405, "method_not_allowed"),
        ("POST", "/api/repos", b"{", 400, "bad_request"),
        ("POST", "/api/repos", b"[]", 422, "invalid"),
        ("POST", "/api/repos", b'{"name": "x", "\\ud800": 1}', 422, "invalid"),
        ("POST", "/api/repos", b'{"name": "\\ud800"}', 422, "invalid"),
        ("POST", "/api/repos", b'{"name": "../x"}', 422, "invalid"),
        ("POST", "/api/repos", b'{"name": "x", "default_branch": "a..b"}', 422, "invalid"),
        ("POST", "/api/cards/nope/start", None, 404, "not_found"),
        ("POST", "/api/cards/%00/start", None, 404, "not_found"),
        ("POST", "/api/cards/nope/start", b"{", 400, "bad_request"),
        ("POST", "/api/cards/nope/start", b"[]", 422, "invalid"),
        ("POST", "/api/cards/nope/start", b'{"fresh": "perhaps"}', 422, "invalid"),
        ("GET", "/api/repos?limit=0", None, 422, "invalid"),
        ("GET", "/api/repos?cursor=nonsense", None, 400, "bad_request"),
    ],
)
async def test_every_error_is_a_problem(
    served: Served, method: str, path: str, content: bytes | None, status: int, code: str
) -> None:
    headers = {"Content-Type": "application/json"} if content else {}
    answer = await served.person.request(method, path, content=content, headers=headers)
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["title"]
    assert body["detail"]
    if status == 405 and path.startswith("/api"):
        assert answer.headers["allow"]


@pytest.mark.parametrize(
    "options",
    [
        b'{"x": NaN}',
        b'{"x": 1e999}',
        b'{"x": "\\ud800"}',
        b'{"x": "\\u0000"}',
        b'{"x": ' + b"[" * 300 + b"]" * 300 + b"}",
        b'{"x": "' + b"a" * 70_000 + b'"}',
    ],
)
async def test_options_that_cannot_be_stored_are_refused(served: Served, options: bytes) -> None:
    repo = await served.repo()
    answer = await served.person.post(
        f"/api/repos/{repo}/cards",
        content=b'{"title": "x", "agent_options": ' + options + b"}",
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 422, answer.text
    assert (await served.person.get(f"/api/repos/{repo}/cards")).json()["items"] == []


@pytest.mark.parametrize("body", [None, b"", b" null ", b"{}", b'{"message": "Now"}'])
async def test_a_start_may_say_nothing(served: Served, body: bytes | None) -> None:
    card = await served.card(await served.repo())
    answer = await served.person.post(f"/api/cards/{card['id']}/start", content=body)
    assert (answer.status_code, answer.json()["status"]) == (200, "in_progress")


async def test_lists_in_pages_without_what_they_do_not_show(served: Served) -> None:
    repo = await served.repo()
    for number in range(250):
        served_card = {"title": f"Card {number}", "description": "long"}
        await served.person.post(f"/api/repos/{repo}/cards", json=served_card)
    seen: list[dict[str, Any]] = []
    params: dict[str, Any] = {"limit": 60}
    while True:
        page = (await served.person.get(f"/api/repos/{repo}/cards", params=params)).json()
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert [card["number"] for card in seen] == list(range(250, 0, -1))
    assert all("description" not in card for card in seen)


@pytest.mark.parametrize(
    "value", [[10**400, "x"], [float("nan"), "x"], ["x"], 3, {"a": 1}, [1e308, "x"]]
)
async def test_a_cursor_of_someone_else_is_refused(served: Served, value: Any) -> None:
    repo = await served.repo()
    params = {"cursor": cursor_of(value)}
    answer = await served.person.get(f"/api/repos/{repo}/cards", params=params)
    assert answer.status_code == 400


async def test_reading_your_writes(served: Served) -> None:
    """A list is never older than what its reader has been answered."""
    repo = await served.repo()
    path = f"/api/repos/{repo}/cards"
    etags = set()
    for number in range(1, 30):
        card = await served.card(repo)
        listed = await served.person.get(path)
        assert listed.json()["items"][0]["id"] == card["id"]
        assert len(listed.json()["items"]) == number
        etags.add(listed.headers["etag"])
        again = await served.person.get(path, headers={"If-None-Match": listed.headers["etag"]})
        assert again.status_code == 304
    assert len(etags) == 29
    await served.person.delete(f"/api/cards/{card['id']}")
    assert len((await served.person.get(path)).json()["items"]) == 28


async def test_the_board_of_all_repositories_is_never_older_either(served: Served) -> None:
    seen = []
    for name in ("a", "b", "c"):
        repo = await served.repo(name)
        card = await served.card(repo)
        listed = await served.person.get("/api/cards")
        assert listed.json()["items"][0]["id"] == card["id"]
        seen.append(listed.headers["etag"])
    again = await served.person.get("/api/cards", headers={"If-None-Match": seen[-1]})
    assert again.status_code == 304
    await served.person.delete(f"/api/repos/{repo}")
    left = (await served.person.get("/api/cards")).json()["items"]
    assert len(left) == len(set(seen)) - 1 == 2


async def test_archived_cards_are_listed_when_they_are_asked_for(served: Served) -> None:
    repo = await served.repo()
    card = await served.card(repo)
    refused = await served.person.post(f"/api/cards/{card['id']}/archive")
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")
    path = f"/api/repos/{repo}/cards"
    for archived, count in (("exclude", 1), ("include", 1), ("only", 0)):
        listed = await served.person.get(path, params={"archived": archived})
        assert len(listed.json()["items"]) == count
    assert (await served.person.get(path, params={"archived": "x"})).status_code == 422
    done = await served.person.post(f"{path}/archive-done")
    assert done.json() == {"archived": 0}
    copy = await served.person.post(f"/api/cards/{card['id']}/duplicate")
    assert (copy.status_code, copy.json()["number"]) == (201, card["number"] + 1)


async def test_the_queue_is_one_for_all_repositories(served: Served) -> None:
    first, second = await served.repo("a"), await served.repo("b")
    await served.card(first, start=True)
    await served.card(second, start=True)
    path = f"/api/repos/{second}/cards"
    place = (await served.person.get(path)).json()["items"][0]["live"]["queue_position"]
    assert place == 2
    whole = (await served.person.get("/api/queue")).json()["items"]
    assert [waiting["queue_position"] for waiting in whole] == [1, 2]
    await served.claim(await served.register(), "claim-0001")
    place = (await served.person.get(path)).json()["items"][0]["live"]["queue_position"]
    assert place == 1


async def test_if_match(served: Served) -> None:
    repo = await served.repo()
    card = await served.card(repo)
    path = f"/api/cards/{card['id']}"
    for value, status in (('"9"', 412), ('"1"', 200), ("1", 412), ("*", 200), ("x", 422)):
        answer = await served.person.patch(path, json={"title": "N"}, headers={"If-Match": value})
        assert answer.status_code == status, value
    answer = await served.person.patch(
        f"/api/repos/{repo}", json={"settings": {"wip_limit": 1}}, headers={"If-Match": '"99"'}
    )
    assert (answer.status_code, answer.json()["code"]) == (412, "version_conflict")


@pytest.mark.parametrize(
    ("failure", "expected"),
    [(OSError("something"), (500, "internal")),
     (OSError(errno.ENOSPC, "No space left on device"), (503, "disk_full"))],
)  # fmt: skip
async def test_a_commit_that_fails_answers_with_an_error(
    served: Served, failure: OSError, expected: tuple[int, str]
) -> None:
    """R5: the transaction is over before the first byte of the answer."""
    from sqlalchemy import event

    repo = await served.repo()

    def refuse(_conn: Any) -> None:
        raise failure

    event.listen(served.db._writer_engine, "commit", refuse)
    answer = await served.person.post(f"/api/repos/{repo}/cards", json={"title": "x"})
    event.remove(served.db._writer_engine, "commit", refuse)
    assert (answer.status_code, answer.json()["code"]) == expected
    assert (await served.person.get(f"/api/repos/{repo}/cards")).json()["items"] == []


# Logs


# Control


async def test_a_command_reaches_the_control_poll(served: Served) -> None:
    job = await served.job(await served.repo())
    path = f"/api/runner/v1/jobs/{job['job_id']}/control"
    polling = asyncio.create_task(served.runner.get(path, params={"wait": 60}, headers=lease(job)))
    async with asyncio.timeout(20):
        while not served.house.ctx.control._waiting:  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.005)
    await served.person.post(f"/api/jobs/{job['job_id']}/message", json={"text": "Hello"})
    [command] = (await polling).json()["commands"]
    assert (command["type"], command["text"]) == ("message", "Hello")
    lost = await served.runner.get(path, headers={"Lazyaf-Lease": "lease_wrong"})
    assert (lost.status_code, lost.json()["code"]) == (409, "lease_lost")


# git


async def test_what_a_credential_may_do_in_git(served: Served) -> None:
    repo, other = await served.repo("one"), await served.repo("two")
    job = await served.job(repo)

    async def refs(repo_id: str, password: str, service: str) -> int:
        basic = base64.b64encode(f"lazyaf:{password}".encode()).decode()
        answer = await served.stranger.get(
            f"/git/{repo_id}.git/info/refs",
            params={"service": service},
            headers={"Authorization": f"Basic {basic}"},
        )
        return answer.status_code

    own = job["repo"]["password"]
    assert await refs(repo, own, "git-upload-pack") == 200
    assert await refs(repo, own, "git-receive-pack") == 200
    assert await refs(other, own, "git-upload-pack") == 403
    assert await refs(repo, served.runner_token, "git-upload-pack") == 401
    assert await refs(repo, served.token, "git-receive-pack") == 200
    assert await refs("nonsense", served.token, "git-receive-pack") == 404
    await served.runner.post(
        f"/api/runner/v1/jobs/{job['job_id']}/finish",
        json={"stop_reason": "no_changes"},
        headers=lease(job),
    )
    assert await refs(repo, own, "git-upload-pack") == 403  # it leaves its work, and reads no more
    assert await refs(repo, own, "git-receive-pack") == 200
