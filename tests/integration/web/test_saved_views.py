"""Saved views: named filters of a board, the same in every browser."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from lazyaf.services.saved_views import COUNT_MAX
from lazyaf.store.tables import events
from support.app import Served

PATH = "/api/views"


async def test_a_view_is_kept_renamed_and_forgotten(served: Served) -> None:
    repo = await served.repo("demo")
    made = await served.person.post(
        PATH, json={"name": " Mine ", "query": "label:ui", "repo": "demo"}
    )
    assert made.status_code == 201, made.text
    view = made.json()
    assert (view["repo_id"], view["name"], view["query"]) == (repo, "Mine", "label:ui")
    of_all = await served.person.post(PATH, json={"name": "Mine", "query": "repo:demo"})
    assert of_all.json()["repo_id"] is None

    path = f"{PATH}/{view['id']}"
    renamed = await served.person.patch(path, json={"name": "UI"})
    assert (renamed.json()["name"], renamed.json()["query"]) == ("UI", "label:ui")
    listed = (await served.person.get(PATH)).json()["items"]
    assert [each["name"] for each in listed] == ["Mine", "UI"]

    assert (await served.person.delete(path)).status_code == 204
    assert (await served.person.delete(path)).status_code == 404
    assert (await served.person.patch(path, json={"name": "X"})).status_code == 404
    told = await served.db.read(
        lambda tx: tx.execute(select(events.c.type).order_by(events.c.id)).scalars().all()
    )
    assert [kind for kind in told if kind.startswith("view.")] == [
        "view.saved",
        "view.saved",
        "view.saved",
        "view.deleted",
    ]


async def test_a_name_is_free_once_on_each_board(served: Served) -> None:
    await served.repo("demo")
    for board in ({"repo": "demo"}, {}):
        first = await served.person.post(PATH, json={"name": "A", "query": "x", **board})
        again = await served.person.post(PATH, json={"name": "A", "query": "y", **board})
        assert (first.status_code, again.status_code, again.json()["code"]) == (
            201,
            409,
            "name_taken",
        )
        other = await served.person.post(PATH, json={"name": "B", "query": "y", **board})
        path = f"{PATH}/{other.json()['id']}"
        assert (await served.person.patch(path, json={"name": "A"})).status_code == 409
        assert (await served.person.patch(path, json={"query": "z"})).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "", "query": "x"},
        {"name": "A", "query": "  "},
        {"name": "a" * 61, "query": "x"},
        {"name": "A", "query": "x" * 501},
        {"name": "A\nB", "query": "x"},
        {"name": "A", "query": "x", "more": 1},
    ],
)
async def test_what_is_no_view_is_refused(served: Served, wrong: dict[str, object]) -> None:
    assert (await served.person.post(PATH, json=wrong)).status_code == 422


async def test_it_goes_with_its_repository(served: Served) -> None:
    repo = await served.repo("demo")
    await served.person.post(PATH, json={"name": "A", "query": "x", "repo": repo})
    assert (await served.person.delete(f"/api/repos/{repo}")).status_code == 204
    assert (await served.person.get(PATH)).json()["items"] == []
    unknown = await served.person.post(PATH, json={"name": "A", "query": "x", "repo": repo})
    assert unknown.status_code == 404


async def test_there_are_not_more_than_a_menu_can_show(served: Served) -> None:
    for number in range(COUNT_MAX):
        await served.person.post(PATH, json={"name": f"{number}", "query": "x"})
    answer = await served.person.post(PATH, json={"name": "more", "query": "x"})
    assert answer.status_code == 409
    assert "Delete one first" in answer.json()["detail"]
