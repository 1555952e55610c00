"""Attached files over HTTP: streamed in, handed out as nothing that a browser would run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from lazyaf.protocol import LEASE_HEADER
from support.app import Served, lease
from support.waiting import until

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels" * 500
HOSTILE = {
    "page.html": b"<html><script>alert(document.domain)</script></html>",
    "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "page.png": b"<html><script>alert(document.domain)</script></html>",
    "program.exe": b"MZ\0\0",
}


async def attach(served: Served, card: str, name: str, content: bytes) -> dict[str, Any]:
    answer = await served.person.post(
        f"/api/cards/{card}/attachments", params={"name": name}, content=content
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


@pytest.fixture
async def card(served: Served) -> str:
    made = await served.card(await served.repo())
    card_id: str = made["id"]
    return card_id


async def test_a_picture_goes_in_and_comes_back_as_one(served: Served, card: str) -> None:
    made = await attach(served, card, "shot.png", PNG)
    listed = (await served.person.get(f"/api/cards/{card}/attachments")).json()
    assert listed["items"] == [made]
    assert listed["limits"] == {"file": 10_000_000, "count": 20, "total": 50_000_000}
    got = await served.person.get(f"/api/attachments/{made['id']}")
    assert (got.content, got.headers["content-type"]) == (PNG, "image/png")
    assert got.headers["content-disposition"] == 'inline; filename="shot.png"'
    assert (await served.person.delete(f"/api/attachments/{made['id']}")).status_code == 204
    assert (await served.person.get(f"/api/attachments/{made['id']}")).status_code == 404


@pytest.mark.parametrize("name", HOSTILE)
async def test_everything_else_is_a_download_without_a_type(
    served: Served, card: str, name: str
) -> None:
    made = await attach(served, card, name, HOSTILE[name])
    got = await served.person.get(f"/api/attachments/{made['id']}")
    assert got.content == HOSTILE[name]
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["content-disposition"].startswith("attachment;")
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-security-policy"] == "default-src 'none'; sandbox"


async def test_a_hostile_name_breaks_no_header(served: Served, card: str) -> None:
    made = await attach(served, card, '../x"\r\nSet-Cookie: a=b\r\n€.txt', b"words")
    got = await served.person.get(f"/api/attachments/{made['id']}")
    assert "set-cookie" not in got.headers
    assert not {"/", "\n", '"'} & set(made["name"])


async def test_what_is_too_large_is_refused_before_it_has_come(served: Served, card: str) -> None:
    """The head of the request is enough: none of the body is ever sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx2.URL(served.url).port)
    writer.write(
        f"POST /api/cards/{card}/attachments?name=a.bin HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {served.token}\r\nContent-Length: 10000001\r\n\r\n".encode()
    )
    async with asyncio.timeout(10):
        told = await reader.readuntil(b"\r\n")
    assert b" 413 " in told
    writer.close()


async def test_a_body_that_breaks_off_leaves_nothing(
    served: Served, card: str, tmp_path: Path
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", httpx2.URL(served.url).port)
    writer.write(
        f"POST /api/cards/{card}/attachments?name=a.bin HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {served.token}\r\nContent-Length: 1000\r\n\r\nhalf".encode()
    )
    incoming = tmp_path / "data" / "attachments" / "incoming"

    def is_coming() -> bool:
        return incoming.is_dir() and any(incoming.iterdir())

    await asyncio.to_thread(until, is_coming, "it comes in")
    writer.transport.abort()
    await asyncio.to_thread(until, lambda: not is_coming(), "what had come is gone")
    assert (await served.person.get(f"/api/cards/{card}/attachments")).json()["items"] == []


async def test_the_length_has_to_be_said(served: Served, card: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"

    answer = await served.person.post(
        f"/api/cards/{card}/attachments", params={"name": "a"}, content=chunks()
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "length_required")


async def test_only_a_person_attaches_and_a_runner_gets_what_its_lease_is_for(
    served: Served,
) -> None:
    repo = await served.repo()
    made = await served.card(repo)
    attached = await attach(served, made["id"], "page.html", HOSTILE["page.html"])
    path = f"/api/attachments/{attached['id']}"
    for client, status in ((served.runner, 403), (served.stranger, 401)):
        assert (await client.get(path)).status_code == status
        posted = await client.post(
            f"/api/cards/{made['id']}/attachments", params={"name": "a"}, content=b"a"
        )
        assert posted.status_code == status

    await served.person.post(f"/api/cards/{made['id']}/start")
    job = (await served.claim(await served.register(), "claim-0001")).json()
    (told,) = job["attachments"]
    fetch = f"/api/runner/v1/jobs/{job['job_id']}/attachments/{told['id']}"
    got = await served.runner.get(fetch, headers=lease(job))
    assert (got.status_code, got.content) == (200, HOSTILE["page.html"])
    assert (await served.runner.get(fetch, headers={LEASE_HEADER: "x"})).status_code == 409
    assert (await served.person.get(fetch, headers=lease(job))).status_code == 403


async def test_a_card_without_any_is_claimed_in_the_words_of_older_runners(served: Served) -> None:
    assert "attachments" not in await served.job(await served.repo())


async def test_the_disk_page_counts_them(served: Served, card: str) -> None:
    await attach(served, card, "shot.png", PNG)
    assert (await served.person.get("/api/disk")).json()["attachments"] == len(PNG)
