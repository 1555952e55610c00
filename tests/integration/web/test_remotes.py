"""Repositories added by their URL: the server is its own remote here, which wants credentials."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from lazyaf.domain.events import PERSON
from lazyaf.git import refs
from lazyaf.git.quota import Quota
from lazyaf.services import import_repo
from lazyaf.services.approve_card import approve_card
from lazyaf.services.recover import recover
from lazyaf.services.remote_login import unseal
from lazyaf.store.events import events_after
from lazyaf.store.repos import get_repo, update_repo
from lazyaf.store.tx import Tx
from support.app import Served


@pytest_asyncio.fixture
async def origin(served: Served) -> str:
    """The id of a repository that plays the remote: main, and develop, which is its default."""
    repo = await served.repo("origin")
    await served.scene.push(repo, "develop", {"a.txt": "1\n"}, parents=[await tip(served, repo)])
    changed = await served.person.patch(
        f"/api/repos/{repo}", json={"default_branch": "develop", "remote_url": None}
    )
    assert changed.status_code == 200, changed.text
    await served.scene.set_ref(repo, "refs/tags/v1", await tip(served, repo))
    return repo


async def tip(served: Served, repo: str, branch: str = "main") -> str:
    found = await served.scene.tip(repo, branch)
    assert found is not None
    return found


def url_of(served: Served, repo: str, login: str = "") -> str:
    return served.url.replace("http://", f"http://{login}") + f"/git/{repo}.git"


async def imported(served: Served, origin: str, **more: Any) -> dict[str, Any]:
    body = {"url": url_of(served, origin), "name": "copy", "password": served.token, **more}
    answer = await served.person.post("/api/repos/import", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["import_state"] == "fetching"
    return await settled(served, answer.json()["id"])


async def settled(served: Served, repo: str) -> dict[str, Any]:
    await served.house.ctx.background.settle()
    shown: dict[str, Any] = (await served.person.get(f"/api/repos/{repo}")).json()
    return shown


async def fetched_again(served: Served, repo: str) -> dict[str, Any]:
    answer = await served.person.post(f"/api/repos/{repo}/fetch")
    assert answer.status_code == 200, answer.text
    return await settled(served, repo)


async def test_a_repository_comes_whole_with_its_default_branch(
    served: Served, origin: str
) -> None:
    shown = await imported(served, origin)
    assert shown["import_state"] == "ready", shown
    assert (shown["is_ingested"], shown["default_branch"]) == (True, "develop")
    assert (shown["remote_url"], shown["has_credentials"]) == (url_of(served, origin), True)
    for branch in ("main", "develop"):
        assert await tip(served, shown["id"], branch) == await tip(served, origin, branch)
    assert await served.scene.ref(shown["id"], "refs/tags/v1") == await tip(served, origin)
    types = await served.scene.event_types()
    assert types[-4:].count("branch.pushed") == 2
    assert "repo.ingested" in types
    card = await served.card(shown["id"], start=True)
    assert card["status"] == "in_progress"


@pytest.mark.parametrize("where", ["in the URL", "beside it"])
async def test_credentials_are_nowhere_to_be_read(served: Served, origin: str, where: str) -> None:
    secret = served.token
    if where == "in the URL":
        url = url_of(served, origin, f"lazyaf:{secret}@")
        shown = await imported(served, origin, url=url, password=None)
    else:
        shown = await imported(served, origin, username="lazyaf")
    assert (shown["import_state"], shown["remote_url"]) == ("ready", url_of(served, origin))
    told = [row.data for row in await served.db.read(events_after, 0, 1000)]
    listed = (await served.person.get("/api/repos")).text
    row = await served.db.read(get_repo, shown["id"])
    stored = b"".join(p.read_bytes() for p in served.house.settings.data_dir.glob("lazyaf.db*"))
    config = (served.house.ctx.git.path(shown["id"]) / "config").read_bytes()
    for form in (secret, base64.b64encode(f"lazyaf:{secret}".encode()).decode()):
        assert not any(form in text for text in (*told, listed, repr(row)))
        assert form.encode() not in stored + config
    keys, url = served.house.ctx.keys, url_of(served, origin)
    login = unseal(keys, row.id, row.remote_secret, url)
    assert login is not None
    assert (login.username, login.password) == ("lazyaf", secret)
    assert unseal(keys, row.id, row.remote_secret, "http://elsewhere.test/x.git") is None
    assert unseal(keys, origin, row.remote_secret, url) is None
    assert (await served.person.delete(f"/api/repos/{row.id}/credentials")).status_code == 204
    assert (await served.db.read(get_repo, row.id)).remote_secret is None


@pytest.mark.parametrize(
    ("password", "code"), [(None, "credentials_wanted"), ("wrong", "credentials_refused")]
)
async def test_a_remote_that_wants_other_credentials_leaves_no_repository(
    served: Served, origin: str, password: str | None, code: str
) -> None:
    body = {"url": url_of(served, origin), "name": "copy", "password": password}
    refused = await served.person.post("/api/repos/import", json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, code)
    assert (await served.person.get("/api/repos/copy")).status_code == 404


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc",
        "/etc/passwd",
        "../x",
        "ext::sh -c id",
        "ssh://-oProxyCommand=id/x",
        "ssh://git@-oProxyCommand=id/x",
        "git@-oProxyCommand=id:x",
        "git@host.test:-x",
        "ssh://git@host.test/-x",
        "git://host.test/x.git",
        "-oProxyCommand=id",
        "--upload-pack=id",
        "https://",
        "https://host.test:99999/x",
        "https://ho st/x",
        "http:\\\\host\\x",
        "HTTP+unix://x",
    ],
)
async def test_the_server_fetches_over_http_and_ssh_only(served: Served, url: str) -> None:
    refused = await served.person.post("/api/repos/import", json={"url": url, "name": "copy"})
    assert refused.status_code == 422, refused.text
    assert list(refused.json()["fields"]) == ["url"]


async def test_what_is_not_there_is_told_at_once(served: Served) -> None:
    body = {"url": f"{served.url}/nothing/here.git"}
    refused = await served.person.post("/api/repos/import", json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "remote_unreachable")
    assert served.url in refused.json()["detail"]


async def test_what_is_too_large_leaves_nothing(
    served: Served, origin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served.house.ctx.git, "quota", Quota(push=100))
    shown = await imported(served, origin)
    assert shown["import_state"] == "failed"
    assert "more to fetch than" in shown["import_detail"]
    git = served.house.ctx.git
    assert list((git.root / ".tmp").iterdir()) == []
    assert [p for p in (git.path(shown["id"]) / "objects").rglob("*") if p.is_file()] == []
    monkeypatch.undo()
    assert (await fetched_again(served, shown["id"]))["import_state"] == "ready"


async def test_a_restart_begins_a_broken_fetch_again(served: Served, origin: str) -> None:
    shown = await imported(served, origin)

    def break_off(tx: Tx) -> None:
        update_repo(tx, get_repo(tx, shown["id"]), {"import_state": "fetching"})

    await served.db.write(break_off)
    new = await served.scene.push(origin, "main", {"new.txt": "1\n"})
    again = await served.person.post(f"/api/repos/{shown['id']}/fetch")
    assert (again.status_code, again.json()["code"]) == (409, "import_running")
    await import_repo.resume_imports(served.house.ctx)
    assert (await settled(served, shown["id"]))["import_state"] == "ready"
    assert await tip(served, shown["id"]) == new


@pytest_asyncio.fixture
async def silent() -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A remote that takes a question and never answers; the event says that one came."""
    asked = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        asked.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x.git", asked


async def begin_silently(served: Served, silent: tuple[str, asyncio.Event]) -> str:
    repo = await served.repo("quiet")

    def point(tx: Tx) -> None:
        update_repo(tx, get_repo(tx, repo), {"remote_url": silent[0], "import_state": "fetching"})

    await served.db.write(point)
    await import_repo.resume_imports(served.house.ctx)
    await silent[1].wait()
    return repo


async def test_deleting_ends_the_fetch(served: Served, silent: Any) -> None:
    repo = await begin_silently(served, silent)
    assert (await served.person.delete(f"/api/repos/{repo}")).status_code == 204
    await served.house.ctx.background.settle()
    assert not served.house.ctx.git.exists(repo)


async def test_a_server_that_stops_leaves_the_fetch_to_the_next(
    served: Served, silent: Any
) -> None:
    repo = await begin_silently(served, silent)
    await served.house.ctx.git.close()
    await served.house.ctx.background.settle()
    assert (await served.db.read(get_repo, repo)).import_state == "fetching"


async def test_fetching_again_forwards_what_nobody_moved(served: Served, origin: str) -> None:
    copy = (await imported(served, origin))["id"]
    scene = served.scene
    new = await scene.push(origin, "develop", {"b.txt": "1\n"})
    await scene.push(origin, "main", {"theirs.txt": "1\n"})
    await scene.push(origin, "topic", {"t.txt": "1\n"}, parents=[new])
    ours = await scene.push(copy, "main", {"ours.txt": "1\n"})
    await scene.push(copy, "ahead", {"x.txt": "1\n"}, parents=[ours])
    shown = await fetched_again(served, copy)
    assert shown["import_state"] == "ready"
    assert "main" in shown["import_detail"]
    assert "ahead" not in shown["import_detail"]
    assert shown["fetch_result"] == "develop was brought forward by 1 commit, 1 branch is new."
    assert shown["fetched_at"] is not None
    assert await tip(served, copy, "develop") == new
    assert await tip(served, copy, "topic") == await tip(served, origin, "topic")
    assert await tip(served, copy, "main") == ours


async def test_fetching_again_leaves_the_branches_of_cards_and_protected_ones(
    served: Served, origin: str
) -> None:
    copy = (await imported(served, origin))["id"]
    scene = served.scene
    card, head = await scene.in_review(copy)
    branch = (await scene.card_row(card)).branch_name or ""
    theirs = scene.commit(origin, {"x": "1"}, [await tip(served, origin, "develop")])
    await scene.set_ref(origin, f"refs/heads/{branch}", theirs)
    before = await tip(served, copy, "develop")
    await scene.push(origin, "develop", {"b.txt": "1\n"})
    path = f"/api/repos/{copy}"
    await served.person.patch(path, json={"settings": {"only_approve": True}})
    shown = await fetched_again(served, copy)
    assert await tip(served, copy, branch) == head
    assert await tip(served, copy, "develop") == before
    assert branch in shown["import_detail"]
    assert "develop" in shown["import_detail"]


async def test_what_was_fetched_from_one_remote_says_nothing_of_another(
    served: Served, origin: str
) -> None:
    copy = (await imported(served, origin))["id"]
    path = f"/api/repos/{copy}"
    assert (await served.person.get(path)).json()["fetched_at"] is not None
    body = {"remote_url": f"{served.url}/git/another.git"}
    moved = (await served.person.patch(path, json=body)).json()
    assert (moved["fetched_at"], moved["fetch_result"]) == (None, None)


async def test_landing_uses_the_kept_credentials(served: Served, origin: str) -> None:
    copy = (await imported(served, origin))["id"]
    card, head = await served.scene.in_review(copy)
    await approve_card(served.house.ctx, card, head, PERSON)
    path = f"/api/repos/{copy}/land"
    landed = await served.person.post(path, json={"branch": "develop"})
    assert landed.status_code == 200, landed.text
    assert await tip(served, origin, "develop") == await tip(served, copy, "develop")
    await served.person.delete(f"/api/repos/{copy}/credentials")
    await served.scene.push(copy, "develop", {"more": "1"})
    refused = await served.person.post(path, json={"branch": "develop"})
    assert refused.json()["code"] == "remote_refused"
    login = url_of(served, origin, f"lazyaf:{served.token}@")
    again = await served.person.post(path, json={"branch": "develop", "remote_url": login})
    assert again.status_code == 200, again.text
    assert served.token not in again.text
    rows = await served.db.read(events_after, 0, 1000)
    urls = [json.loads(row.data)["remote_url"] for row in rows if row.type == "branch.landed"]
    assert urls == [url_of(served, origin)] * 2


async def test_what_was_landed_by_someones_own_git_is_noted(served: Served, origin: str) -> None:
    sha = await tip(served, origin)
    body = {"branch": "main", "sha": sha, "remote_url": "https://ann:secret@host.test/x.git"}
    path = f"/api/repos/{origin}/landed"
    answer = await served.person.post(path, json=body)
    assert answer.json() == {
        "branch": "main",
        "sha": sha,
        "remote_url": "https://host.test/x.git",
        "pushed": True,
    }
    [row] = [r for r in await served.db.read(events_after, 0, 1000) if r.type == "branch.landed"]
    assert "secret" not in row.data
    strange = await served.person.post(path, json={**body, "sha": "1" * 40})
    assert strange.status_code == 422
    assert await refs.resolve(served.house.ctx.git, origin, "1" * 40) is None


async def test_credentials_of_an_older_version_are_sealed_at_start(
    served: Served, origin: str
) -> None:
    def as_before(tx: Tx) -> None:
        url = url_of(served, origin, f"lazyaf:{served.token}@")
        update_repo(tx, get_repo(tx, origin), {"remote_url": url})

    await served.db.write(as_before)
    for _ in range(2):
        await recover(served.house.ctx)
        row = await served.db.read(get_repo, origin)
        assert row.remote_url == url_of(served, origin)
        login = unseal(served.house.ctx.keys, origin, row.remote_secret, row.remote_url)
        assert login is not None
        assert login.password == served.token


async def test_a_repository_is_made_without_the_credentials_in_its_remote(served: Served) -> None:
    body = {"name": "made", "remote_url": "https://ann:secret@host.test/x.git"}
    made = await served.person.post("/api/repos", json=body)
    assert made.json()["remote_url"] == "https://host.test/x.git"
    assert made.json()["has_credentials"] is True
    assert "secret" not in made.text


async def test_a_new_remote_does_not_get_the_credentials_of_another(
    served: Served, origin: str
) -> None:
    copy = (await imported(served, origin))["id"]
    path = f"/api/repos/{copy}"
    same = await served.person.patch(path, json={"remote_url": f"{served.url}/git/other.git"})
    assert same.json()["has_credentials"] is True
    other = await served.person.patch(path, json={"remote_url": "https://host.test/x.git"})
    assert other.json()["has_credentials"] is False
    with_login = await served.person.patch(path, json={"remote_url": "https://t0ken@host.test/x"})
    assert with_login.json()["has_credentials"] is True
    assert with_login.json()["remote_url"] == "https://host.test/x"
