"""A repository's secrets over the API: written, listed by name, never read."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from lazyaf.services.secrets import setup_env
from lazyaf.store.secrets import SecretRow, list_secrets, put_secret
from lazyaf.store.tables import events
from lazyaf.store.tx import Tx
from support.app import Served

VALUE = "npm_0123456789abcdef"


async def test_a_value_goes_in_and_never_comes_out(served: Served) -> None:
    repo = await served.repo()
    path = f"/api/repos/{repo}/secrets"
    made = await served.person.put(f"{path}/NPM_TOKEN", json={"value": VALUE})
    assert made.status_code == 200, made.text
    listed = await served.person.get(path)
    assert [each["name"] for each in listed.json()["items"]] == ["NPM_TOKEN"]
    shown = await served.person.get(f"/api/repos/{repo}")
    assert VALUE not in made.text + listed.text + shown.text
    assert await setup_env(served.house.ctx, repo) == {"NPM_TOKEN": VALUE}

    (row,) = await served.db.read(list_secrets, repo)
    assert VALUE.encode() not in row.sealed
    assert VALUE not in await served.db.read(lambda tx: str(tx.execute(select(events)).all()))


async def test_it_is_replaced_and_deleted_by_name(served: Served) -> None:
    repo = await served.repo()
    path = f"/api/repos/{repo}/secrets/TOKEN"
    for value in ("first-value", "second-value"):
        assert (await served.person.put(path, json={"value": value})).status_code == 200
    assert await setup_env(served.house.ctx, repo) == {"TOKEN": "second-value"}
    assert (await served.person.delete(path)).status_code == 204
    assert (await served.person.delete(path)).status_code == 404
    assert await setup_env(served.house.ctx, repo) == {}


@pytest.mark.parametrize("name", ["LAZYAF_TOKEN", "1A", "A-B", "A=B"])
async def test_a_name_that_is_no_variable_is_refused(served: Served, name: str) -> None:
    repo = await served.repo()
    answer = await served.person.put(f"/api/repos/{repo}/secrets/{name}", json={"value": "x"})
    assert (answer.status_code, list(answer.json()["fields"])) == (422, ["name"])


@pytest.mark.parametrize("value", ["", "a\0b", "x" * 40_000])
async def test_a_value_that_no_variable_can_have_is_refused(served: Served, value: str) -> None:
    repo = await served.repo()
    answer = await served.person.put(f"/api/repos/{repo}/secrets/A", json={"value": value})
    assert answer.status_code == 422
    assert "x" * 100 not in answer.text


async def test_a_secret_of_another_repository_cannot_be_opened(served: Served) -> None:
    one, other = await served.repo("one"), await served.repo("other")
    await served.person.put(f"/api/repos/{one}/secrets/A", json={"value": VALUE})
    (row,) = await served.db.read(list_secrets, one)

    def move(tx: Tx) -> None:
        put_secret(tx, SecretRow(other, "A", row.sealed, row.updated_at))

    await served.db.write(move)
    assert await setup_env(served.house.ctx, other) == {}


async def test_runners_have_no_way_to_them(served: Served) -> None:
    repo = await served.repo()
    assert (await served.runner.get(f"/api/repos/{repo}/secrets")).status_code == 403
