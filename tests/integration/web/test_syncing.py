"""The server fetches by itself: when, what that does to branches and cards, and what it says of failures."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from lazyaf.domain.remotes import ImportState
from lazyaf.services.sync_remotes import LONGEST_S, SyncRemotes
from lazyaf.store.repos import get_repo, update_repo
from lazyaf.store.tx import Tx
from support.app import Served


class Syncing:
    """A repository that came from another, and the clock of who fetches it."""

    def __init__(self, served: Served, origin: str, copy: str) -> None:
        self.served, self.origin, self.copy = served, origin, copy
        self.time = 0.0
        self.sync = SyncRemotes(served.house.ctx, lambda: self.time, lambda: 0.5)

    async def every(self, value: Any, status: int = 200) -> None:
        body = {"settings": {"sync_every_s": value}}
        answer = await self.served.person.patch(f"/api/repos/{self.copy}", json=body)
        assert answer.status_code == status, answer.text

    async def after(self, seconds: float) -> list[str]:
        self.time += seconds
        return await self.sync.sync_due()

    async def shown(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.served.person.get(f"/api/repos/{self.copy}")).json()
        return found

    async def main(self, repo: str) -> str | None:
        return await self.served.scene.tip(repo, "main")


@pytest_asyncio.fixture
async def syncing(served: Served) -> Syncing:
    origin = await served.repo("origin")
    body = {"url": f"{served.url}/git/{origin}.git", "name": "copy", "password": served.token}
    made = await served.person.post("/api/repos/import", json=body)
    await served.house.ctx.background.settle()
    return Syncing(served, origin, made.json()["id"])


async def test_nothing_is_fetched_unless_the_repository_says_so(syncing: Syncing) -> None:
    assert (await syncing.shown())["settings"]["sync_every_s"] is None
    assert await syncing.after(0) == []
    assert await syncing.after(10**6) == []


async def test_the_repositorys_own_file_can_say_it(syncing: Syncing) -> None:
    scene = syncing.served.scene
    await scene.push(syncing.copy, "main", {".lazyaf/config.toml": '[remote]\nsync = "2m"\n'})
    assert (await syncing.shown())["settings"]["sync_every_s"] == 120
    await syncing.after(0)
    assert await syncing.after(120) == [syncing.copy]


@pytest.mark.parametrize("value", [59, "30s", 0, -1, "soon", 8 * 86400])
async def test_a_period_is_a_minute_at_least(syncing: Syncing, value: Any) -> None:
    await syncing.every(value, 422)


async def test_a_base_that_moved_is_forwarded_and_its_cards_say_so(syncing: Syncing) -> None:
    scene = syncing.served.scene
    card, _ = await scene.in_review(syncing.copy)
    await syncing.every("10m")
    assert await syncing.after(0) == []  # its first turn is somewhere in the first period
    assert await syncing.after(299) == []
    new = await scene.push(syncing.origin, "main", {"theirs.txt": "1\n"})
    before = (await syncing.shown())["version"]
    assert await syncing.after(1) == [syncing.copy]
    assert await syncing.main(syncing.copy) == new
    assert (await syncing.shown())["fetch_result"] == "main was brought forward by 1 commit."
    await syncing.served.house.ctx.background.settle()
    assert (await scene.shown(card))["live"]["behind"] == 1
    assert await syncing.after(599) == []
    assert await syncing.after(1) == [syncing.copy]
    # What is as it was is told to nobody, and spoils nobody's edit of the settings; it is known all the same.
    shown = await syncing.shown()
    assert (shown["version"], shown["fetch_result"]) == (before, "Nothing new.")


async def test_a_branch_that_went_its_own_way_stays_and_is_measured(syncing: Syncing) -> None:
    scene = syncing.served.scene
    await syncing.every(60)
    await syncing.after(0)
    await scene.push(syncing.origin, "main", {"theirs.txt": "1\n"})
    ours = await scene.push(syncing.copy, "main", {"ours.txt": "1\n"})
    assert await syncing.after(60) == [syncing.copy]
    assert await syncing.main(syncing.copy) == ours
    shown = await syncing.shown()
    assert shown["import_detail"] == (
        "main went its own way: it has 1 commit that the remote lacks, and lacks 1 of the remote's. Land it, "
        "and have the remote's merged in first (`lazyaf land copy --branch main --merge`)."
    )
    assert shown["fetch_result"] == "Nothing came forward."
    listed = await syncing.served.person.get(f"/api/repos/{syncing.copy}/branches")
    [main] = [item for item in listed.json()["items"] if item["name"] == "main"]
    assert (main["remote"]["ahead"], main["remote"]["behind"]) == (1, 1)


async def test_a_remote_that_fails_is_asked_less_often_and_says_why(syncing: Syncing) -> None:
    await syncing.every(60)
    await syncing.after(0)
    repo, gone = syncing.copy, "http://127.0.0.1:9/gone.git"
    right = f"{syncing.served.url}/git/{syncing.origin}.git"

    async def point(url: str) -> None:
        await syncing.served.db.write(
            lambda tx: update_repo(tx, get_repo(tx, repo), {"remote_url": url})
        )

    await point(gone)
    assert await syncing.after(60) == [repo]
    shown = await syncing.shown()
    assert (shown["import_state"], gone in shown["import_detail"]) == ("failed", True)
    assert shown["fetch_result"] == "1 branch is new."  # the last time that it did not fail
    assert await syncing.after(119) == []
    assert await syncing.after(1) == [repo]
    for _ in range(12):
        await syncing.after(LONGEST_S)
    assert await syncing.after(LONGEST_S - 1) == []
    await point(right)
    assert await syncing.after(1) == [repo]
    assert (await syncing.shown())["import_state"] == "ready"
    assert await syncing.after(60) == [repo]


async def test_a_fetch_that_a_person_began_is_left_alone(syncing: Syncing) -> None:
    await syncing.every(60)
    await syncing.after(0)

    def begin(tx: Tx) -> None:
        state = ImportState.FETCHING.value
        update_repo(tx, get_repo(tx, syncing.copy), {"import_state": state})

    await syncing.served.db.write(begin)
    new = await syncing.served.scene.push(syncing.origin, "main", {"x": "1\n"})
    assert await syncing.after(60) == [syncing.copy]
    assert await syncing.main(syncing.copy) != new
    assert (await syncing.shown())["import_state"] == "fetching"
