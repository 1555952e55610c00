"""Files attached to cards, on both databases: kept whole, within their limits, gone with their card."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from factories.checked import Checked
from factories.scene import LIMITS, Scene
from lazyaf.domain.errors import Forbidden, Invalid, NotFound, TooLarge, Unavailable
from lazyaf.domain.events import PERSON, EventType
from lazyaf.domain.leftovers import LeftoverKind
from lazyaf.git import pause
from lazyaf.services.attachments import (
    attach,
    detach,
    follow_removals,
    open_attachment,
    open_for_job,
    show_attachments,
)
from lazyaf.services.cards import delete_card
from lazyaf.services.collect import Collector
from lazyaf.services.duplicate_card import duplicate_card
from lazyaf.services.edit_repo import edit_repo
from lazyaf.services.repositories import delete_repo
from lazyaf.store.attachments import attachments_of
from lazyaf.store.events import events_after

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels" * 20


async def pieces(content: bytes, size: int = 7) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def put(scene: Scene, card_id: str, name: str, content: bytes = PNG) -> dict[str, Any]:
    return await attach(scene.ctx, card_id, name, len(content), pieces(content), PERSON)


def files(scene: Scene) -> list[Path]:
    root = scene.ctx.git.root.with_name("attachments")
    return sorted(path for path in root.glob("*/*") if path.is_file())


@pytest.fixture
def following(scene: Scene) -> Scene:
    """The scene with what `main` does after each commit."""
    scene.db.on_commit.append(lambda events: follow_removals(scene.ctx, events))
    return scene


async def test_it_is_kept_byte_for_byte_under_a_harmless_name(scene: Scene) -> None:
    card = await scene.card(await scene.repo())
    made = await put(scene, card, "../../Screen shot.png")
    assert (made["name"], made["media_type"], made["size"]) == (
        "Screen shot.png",
        "image/png",
        len(PNG),
    )
    kept = await open_attachment(scene.ctx, made["id"])
    assert kept.path.read_bytes() == PNG
    assert kept.path.stat().st_mode & 0o777 == 0o600
    shown = await scene.db.read(show_attachments, card, LIMITS)
    assert [each["name"] for each in shown["items"]] == ["Screen shot.png"]
    assert shown["limits"] == {"file": 100_000, "count": 3, "total": 200_000}


async def test_the_same_content_is_attached_once_and_other_content_gets_a_number(
    scene: Scene,
) -> None:
    card = await scene.card(await scene.repo())
    one = await put(scene, card, "image.png")
    assert await put(scene, card, "image.png") == one, "a repeat after a lost answer"
    other = await put(scene, card, "IMAGE.png", PNG + b"other")
    assert other["name"] == "IMAGE-2.png"
    assert len(await scene.db.read(attachments_of, card)) == 2


async def test_too_much_is_refused_before_it_is_read(scene: Scene) -> None:
    card = await scene.card(await scene.repo())

    async def unread() -> AsyncIterator[bytes]:
        pytest.fail("the body was read")
        yield b""

    async def refused(size: int, kind: type[Exception], words: str, at: str = card) -> None:
        with pytest.raises(kind, match=words):
            await attach(scene.ctx, at, "a.bin", size, unread(), PERSON)

    await refused(LIMITS.file + 1, TooLarge, "may have")
    await refused(0, Invalid, "empty")
    await refused(1, NotFound, "no card", "01900000-0000-7000-8000-00000000dead")
    await put(scene, card, "one", b"1" * 100_000)
    await put(scene, card, "two", b"2" * 99_000)
    await refused(1_001, TooLarge, "more than")
    await put(scene, card, "three", b"3")
    await refused(1, TooLarge, "3 attached files")


async def test_a_body_that_goes_on_is_cut_off_and_leaves_nothing(scene: Scene) -> None:
    card = await scene.card(await scene.repo())
    with pytest.raises(TooLarge):
        await attach(scene.ctx, card, "long", 10, pieces(b"x" * 11), PERSON)
    assert files(scene) == []
    assert await scene.db.read(attachments_of, card) == []


async def test_a_file_for_which_there_was_no_row_in_the_end_goes(scene: Scene) -> None:
    """Two come at once, and there is room for one."""
    card = await scene.card(await scene.repo())
    for name in ("1", "2"):
        await put(scene, card, name, name.encode())
    together = [put(scene, card, name, name.encode() * 9) for name in ("3", "4", "5")]
    ended = await asyncio.gather(*together, return_exceptions=True)
    assert sum(isinstance(each, TooLarge) for each in ended) == 2
    assert len(files(scene)) == len(await scene.db.read(attachments_of, card)) == 3


async def test_below_the_disks_reserve_nothing_is_taken(scene: Scene) -> None:
    card = await scene.card(await scene.repo())
    scene.ctx.room.reserve = 1 << 62
    with pytest.raises(Unavailable, match="almost full"):
        await put(scene, card, "a.png")


async def test_where_it_is_switched_off_none_is_taken(scene: Scene) -> None:
    card = await scene.card(await scene.repo())
    scene.ctx.attachments.limits = type(LIMITS)(file=0, count=3, total=10)
    with pytest.raises(Forbidden):
        await put(scene, card, "a.png")


async def test_what_no_card_names_any_more_goes_and_what_another_names_stays(
    following: Scene,
) -> None:
    scene = following
    repo = await scene.repo()
    one, two = await scene.card(repo), await scene.card(repo)
    first = await put(scene, one, "a.png")
    await put(scene, two, "b.png")
    await put(scene, two, "c.txt", b"words")
    assert len(files(scene)) == 2, "the same content is kept once"

    await scene.db.write(detach, first["id"], PERSON)
    await scene.ctx.background.settle()
    assert len(files(scene)) == 2, "the other card has it"
    await scene.db.write(delete_card, two, PERSON)
    await scene.ctx.background.settle()
    assert files(scene) == []


async def test_a_duplicate_has_the_same_files_and_keeps_them_when_the_first_goes(
    following: Scene,
) -> None:
    repo = await following.repo()
    first = await following.card(repo)
    for name, content in (("a.png", PNG), ("b.txt", b"words")):
        await put(following, first, name, content)
    copy = await following.db.write(duplicate_card, first, following.new_id, PERSON, "now")
    await following.db.write(delete_card, first, PERSON)
    await following.ctx.background.settle()
    there = await following.db.read(attachments_of, copy["id"])
    assert [row.name for row in there] == ["a.png", "b.txt"]
    kept = [await open_attachment(following.ctx, row.id) for row in there]
    assert [each.path.read_bytes() for each in kept] == [PNG, b"words"]


async def test_it_goes_with_its_repository(following: Scene) -> None:
    repo = await following.repo()
    await put(following, await following.card(repo), "a.png")
    await delete_repo(following.ctx, repo, PERSON)
    await following.ctx.background.settle()
    assert files(following) == []


async def test_while_a_backup_is_made_the_bytes_stay_and_the_collector_finds_them(
    following: Scene,
) -> None:
    scene = following
    card = await scene.card(await scene.repo())
    made = await put(scene, card, "a.png")
    with pause.copying(scene.ctx.git.root, lambda: None):
        await scene.db.write(detach, made["id"], PERSON)
        await scene.ctx.background.settle()
        (kept,) = files(scene)
    (kept.parent.parent / "incoming" / "half").write_bytes(b"half")

    now = kept.stat().st_mtime

    async def nothing(_dry_run: bool) -> list[Any]:
        return []

    def collector(later: float) -> Collector:
        return Collector(scene.ctx, copies=list, sweep=nothing, wall=lambda: now + later)

    assert await collector(60).collect(dry_run=False) == [], "it may just be coming in"
    dry = await collector(7200).collect(dry_run=True)
    assert [(x.kind, x.count, x.bytes) for x in dry] == [
        (LeftoverKind.ATTACHMENT, 1, len(PNG)),
        (LeftoverKind.ATTACHMENT, 1, 4),
    ]
    assert len(files(scene)) == 2
    assert await collector(7200).collect(dry_run=False) == dry
    assert files(scene) == []


async def test_the_events_tell_what_came_and_went(scene: Scene) -> None:
    card = await scene.card(await scene.repo())
    made = await put(scene, card, "a.png")
    await scene.db.write(detach, made["id"], PERSON)
    told = [e for e in await scene.db.read(events_after, 0, 1000) if "tached" in e.type]
    assert [e.type for e in told] == [EventType.CARD_ATTACHED, EventType.CARD_DETACHED]
    assert all(e.subject == card for e in told)


async def test_the_agents_job_has_them_and_may_fetch_them_with_its_lease(scene: Scene) -> None:
    repo = await scene.repo()
    card = await scene.card(repo)
    made = await put(scene, card, "a.png")
    await scene.start(card)
    job = await scene.claimed(await scene.runner())
    assert [(a.name, a.media_type, a.sha256) for a in job.attachments] == [
        ("a.png", "image/png", made["sha256"])
    ]
    kept = await open_for_job(scene.ctx, job.job_id, job.lease, made["id"])
    assert kept.path.read_bytes() == PNG

    other = await put(scene, await scene.card(repo), "b.png")
    with pytest.raises(NotFound):
        await open_for_job(scene.ctx, job.job_id, job.lease, other["id"])
    kept.path.unlink()
    with pytest.raises(NotFound) as gone:
        await open_for_job(scene.ctx, job.job_id, job.lease, made["id"])
    assert gone.value.code == "file_missing"


async def test_a_job_behind_a_full_repository_has_them_and_has_them_again(scene: Scene) -> None:
    full, free = await scene.repo(), await scene.repo()
    limit = {"settings": {"wip_limit": 1}}
    await edit_repo(scene.ctx, full, limit, if_match=None, actor=PERSON)
    await scene.working(full)
    await scene.start(await scene.card(full))
    card = await scene.card(free)
    await put(scene, card, "a.png")
    await scene.start(card)
    runner = await scene.runner()
    job = await scene.claim(runner, "same")
    assert job is not None
    assert (job.task.card_id, [a.name for a in job.attachments]) == (card, ["a.png"])
    assert await scene.claim(runner, "same") == job


async def test_checks_get_none(scene: Scene) -> None:
    checked = Checked(scene)
    card, _ = await checked.in_review(await checked.repo())
    made = await put(scene, card, "a.png")
    job = await checked.claim()
    assert (job.task.card_id, job.attachments) == (card, [])
    with pytest.raises(NotFound):
        await open_for_job(scene.ctx, job.job_id, job.lease, made["id"])
