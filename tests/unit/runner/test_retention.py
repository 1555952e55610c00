"""What is swept away and what stays, of all that no agent's work is in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lazyaf.domain.leftovers import Leftover, LeftoverKind
from lazyaf.domain.runners import Isolation
from lazyaf.protocol.messages import LeftoversRequest, LeftoversResponse
from lazyaf.runner import filelock
from lazyaf.runner.filelock import try_lock
from lazyaf.runner.marker import Marker
from lazyaf.runner.retention import DYING_S, KEEP_S, Retention
from lazyaf.runner.sandbox import Unsandboxed
from lazyaf.runner.workdir import WorkDir

NOW = 2_000_000_000.0
OLD = NOW - KEEP_S - 1
FRESH = NOW - KEEP_S + 1


class Place:
    """A work directory, and a server that knows what the test says."""

    def __init__(self, root: Path) -> None:
        self.work = WorkDir(root)
        self.known = LeftoversResponse()
        self.asked: list[LeftoversRequest] = []
        for folder in (self.work.trees, self.work.homes, self.work.cache):
            folder.mkdir(parents=True)

    async def ask(self, request: LeftoversRequest) -> LeftoversResponse:
        self.asked.append(request)
        return self.known

    async def sweep(self, *, dry_run: bool = False) -> list[Leftover]:
        sandbox = Unsandboxed("a test", Isolation.NONE)
        retention = Retention(self.work, sandbox, self.ask, NOW, dry_run=dry_run)
        return await retention.sweep()

    def home(self, card: str, at: float) -> Path:
        path, session = self.work.homes / card, self.work.homes / f"{card}.session"
        path.mkdir()
        session.write_text("s")
        for each in (path, session):
            os.utime(each, (at, at))
        return path

    def cache(self, repo: str, number: int = 0, at: float = FRESH) -> Path:
        path = self.work.cache / repo / f"{number}.git"
        (path / "objects").mkdir(parents=True)
        lock = path.with_name("lock")
        lock.touch()
        os.utime(lock, (at, at))
        return path

    def spare(self, repo: str, name: str = "0", at: float = FRESH) -> Path:
        path = self.work.spares / repo / name
        path.mkdir(parents=True)
        path.with_name("lock").touch()
        os.utime(path.parent, (at, at))
        return path

    def borrow(self, cache: Path, card: str = "card") -> Path:
        """A tree that borrows from a cache, and that somebody works in."""
        root = self.work.trees / card
        root.mkdir()
        Marker(job_id="job", start="0" * 40, cache=str(cache)).save(root / "job.json")
        return root


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "work")


def told(leftovers: list[Leftover]) -> dict[str, str]:
    """Why, by the last name of the place."""
    return {Path(leftover.place).name: leftover.why for leftover in leftovers}


async def test_a_home_goes_with_its_card_or_a_month_after_its_last_use(place: Place) -> None:
    old, fresh, deleted, at_work = (
        place.home("old", OLD),
        place.home("fresh", FRESH),
        place.home("deleted", FRESH),
        place.home("busy", OLD),
    )
    place.known = LeftoversResponse(deleted=["deleted"], at_work=["busy"])
    found = told(await place.sweep())
    assert found == {
        "old": "No agent has used it for a month.",
        "old.session": "No agent has used it for a month.",
        "deleted": "Its card was deleted.",
        "deleted.session": "Its card was deleted.",
    }
    assert [path.exists() for path in (old, deleted, fresh, at_work)] == [False, False, True, True]
    assert not (place.work.homes / "old.session").exists()
    assert set(place.asked[0].cards) == {"old", "fresh", "deleted", "busy"}


async def test_a_card_that_is_merely_not_known_was_not_deleted(place: Place) -> None:
    """Of another server, or from after the backup that this one was restored from."""
    home = place.home("unknown", FRESH)
    assert await place.sweep() == []
    assert home.exists()


async def test_what_is_locked_is_left_alone(place: Place) -> None:
    home = place.home("a", OLD)
    cache = place.cache("repo", at=OLD)
    spare = place.spare("other", at=OLD)
    with (
        try_lock(place.work.trees / "a.lock"),
        try_lock(cache.with_name("lock")),
        try_lock(spare.with_name("lock")),
    ):
        assert await place.sweep() == []
    assert [path.exists() for path in (home, cache, spare)] == [True, True, True]


async def test_the_lock_goes_with_the_last_thing_of_its_card(place: Place) -> None:
    place.home("a", OLD)
    place.home("b", FRESH)
    for card in ("a", "b", "c"):
        (place.work.trees / f"{card}.lock").touch()
    await place.sweep()
    assert [path.name for path in place.work.trees.iterdir()] == ["b.lock"]


async def test_a_cache_goes_when_nobody_borrows_from_it(place: Place) -> None:
    gone, replaced, newest = place.cache("gone"), place.cache("repo", 0), place.cache("repo", 10)
    unused, borrowed = place.cache("unused", at=OLD), place.cache("borrowed", at=OLD)
    place.borrow(borrowed)
    place.known = LeftoversResponse(deleted=["gone"], at_work=["card"])
    found = {Path(x.place): x.why for x in await place.sweep()}
    assert found == {
        gone: "Its repository was deleted.",
        replaced: "A newer one has replaced it.",
        unused: "No job has used it for a month.",
    }
    assert [path.exists() for path in (gone, replaced, unused)] == [False, False, False]
    assert [path.exists() for path in (newest, borrowed)] == [True, True]
    assert not gone.parent.exists(), "nothing is left of the repository"


async def test_a_kept_tree_keeps_the_cache_that_it_borrows_from(place: Place) -> None:
    replaced, _ = place.cache("repo", 0), place.cache("repo", 1)
    place.borrow(replaced, "card.kept-job")
    place.known = LeftoversResponse(at_work=["card"])
    assert await place.sweep() == []
    assert replaced.exists()


async def test_spare_trees_that_nobody_will_take_go(place: Place) -> None:
    for repo in ("fresh", "old", "deleted", "making"):
        place.cache(repo)
    fresh, old, deleted, without = (
        place.spare("fresh"),
        place.spare("old", at=OLD),
        place.spare("deleted"),
        place.spare("without"),
    )
    making = place.spare("making", "making")
    place.known = LeftoversResponse(deleted=["deleted"])
    found = {Path(x.place): x.why for x in await place.sweep() if x.kind is LeftoverKind.SPARE}
    assert found == {
        old: "Nobody took it for a month.",
        deleted: "Its repository was deleted.",
        without: "The cache that it borrows from is gone.",
        making: "It is half made, and nobody is at it.",
    }
    assert fresh.exists()
    assert {path.name for path in place.work.spares.iterdir()} == {"fresh"}


async def test_what_somebody_died_over_removing_goes_later(place: Place) -> None:
    for name, at in (("dead", NOW - DYING_S - 1), ("busy", NOW - DYING_S + 1)):
        grave = place.work.trash / name
        grave.mkdir(parents=True)
        os.utime(grave, (at, at))
    assert list(told(await place.sweep())) == ["dead"]
    assert [path.name for path in place.work.trash.iterdir()] == ["busy"]


async def test_a_dry_run_tells_the_same_and_removes_nothing(place: Place) -> None:
    place.home("old", OLD)
    place.cache("repo", 0)
    place.cache("repo", 1)
    place.cache("chain", at=OLD)
    place.spare("chain", at=OLD)  # the cache goes because the spare goes
    (place.work.trees / "c.lock").touch()
    before = sorted(place.work.root.rglob("*"))
    dry = await place.sweep(dry_run=True)
    assert sorted(place.work.root.rglob("*")) == before
    assert {Path(x.place).parent.name for x in dry} == {"homes", "repo", "chain"}
    assert dry == await place.sweep()
    assert await place.sweep() == []


async def test_sizes_are_told(place: Place) -> None:
    home = place.home("old", OLD)
    (home / "large").write_bytes(os.urandom(300_000))
    os.utime(home, (OLD, OLD))
    (large, _) = await place.sweep()
    assert 300_000 <= large.bytes < 400_000


async def test_a_link_is_deleted_and_not_followed(place: Place, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").touch()
    home = place.home("a", OLD)
    (home / "link").symlink_to(outside)
    os.utime(home, (OLD, OLD))
    await place.sweep()
    assert not home.exists()
    assert (outside / "file").exists()


def test_a_lock_that_is_deleted_while_it_is_taken_is_held_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who opened the file before its holder deleted it would hold what nobody else sees."""
    path, opened = tmp_path / "lock", filelock._open

    def open_and_lose(path: Path) -> int:
        descriptor = opened(path)
        monkeypatch.undo()
        path.unlink()
        return descriptor

    monkeypatch.setattr(filelock, "_open", open_and_lose)
    with try_lock(path) as first:
        assert first
        with try_lock(path) as second:
            assert not second
