"""Diffs and branches over HTTP: pages, and cursors that are not ours."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from support.app import Served


def cursor_of(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


async def test_a_large_diff_comes_by_pages(served: Served) -> None:
    repo = await served.repo()
    files = {f"f/{n:04}": f"{n}\n" for n in range(1_050)}
    base = await served.scene.tip(repo, "main")
    assert base is not None
    await served.scene.push(repo, "topic", files, parents=[base])
    found: list[str] = []
    cursor: str | None = None
    while True:
        asked = {"base": "main", "head": "topic"} | ({"cursor": cursor} if cursor else {})
        page = (await served.person.get(f"/api/repos/{repo}/diff", params=asked)).json()
        found += [file["path"] for file in page["files"]]
        assert (page["total_files"], page["additions"]) == (1_050, 1_050)
        cursor = page["next_cursor"]
        if cursor is None:
            break
        assert len(page["files"]) == 1_000
    assert found == sorted(files)
    assert page["files"][0]["old"] is None
    side = page["files"][0]["new"]
    assert (side["kind"], side["mode"], side["size"]) == ("file", "100644", 5)


@pytest.mark.parametrize("value", [-1, 1.5, True, "name", [1], 2**40])
async def test_a_cursor_of_another_list_is_refused(served: Served, value: Any) -> None:
    repo = await served.repo()
    asked = {"base": "main", "head": "main", "cursor": cursor_of(value)}
    refused = await served.person.get(f"/api/repos/{repo}/diff", params=asked)
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")


async def test_a_cursor_beyond_the_end_is_an_empty_page(served: Served) -> None:
    repo = await served.repo()
    asked = {"base": "main", "head": "main", "cursor": cursor_of(5_000)}
    page = (await served.person.get(f"/api/repos/{repo}/diff", params=asked)).json()
    assert (page["files"], page["next_cursor"]) == ([], None)


async def test_a_cursor_whose_history_is_gone_is_no_servers_fault(served: Served) -> None:
    repo = await served.repo()
    packed = (1).to_bytes(4, "big") + b"\x11" * 20
    cursor = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    asked = await served.person.get(f"/api/repos/{repo}/commits", params={"cursor": cursor})
    assert (asked.status_code, asked.json()["code"]) == (400, "bad_request")
