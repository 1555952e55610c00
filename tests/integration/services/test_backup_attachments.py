"""Attached files in a backup: those that cards have, whole or refused."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from factories.care import Care
from factories.scene import Scene
from lazyaf.domain.errors import Invalid
from lazyaf.domain.events import PERSON
from lazyaf.services.attachment_files import FOLDER, file_path
from lazyaf.services.attachments import attach
from support.files import mode

pytestmark = pytest.mark.timeout(300)


async def attach_to(scene: Scene, card: str, name: str, content: bytes) -> str:
    async def all_of_it() -> AsyncIterator[bytes]:
        yield content

    made = await attach(scene.ctx, card, name, len(content), all_of_it(), PERSON)
    sha256: str = made["sha256"]
    return sha256


async def test_attached_files_are_restored_and_only_those_that_cards_have(care: Care) -> None:
    scene = care.scene
    card, _ = await scene.in_review(await scene.repo("shop"))
    named = await attach_to(scene, card, "a.txt", b"what was meant")
    unnamed = file_path(care.root / FOLDER, "0" * 64)
    unnamed.parent.mkdir(exist_ok=True)
    unnamed.write_bytes(b"left behind")
    await care.back_up()
    folder, url = care.place()
    await care.restore(folder, url)
    restored = file_path(folder / FOLDER, named)
    assert (restored.read_bytes(), mode(restored)) == (b"what was meant", 0o600)
    assert [p.name for p in (folder / FOLDER).glob("*/*")] == [named]


@pytest.mark.parametrize("how", ["lost", "altered"])
async def test_a_backup_whose_attached_file_is_damaged_is_refused(care: Care, how: str) -> None:
    scene = care.scene
    card, _ = await scene.in_review(await scene.repo("shop"))
    sha256 = await attach_to(scene, card, "a.txt", b"what was meant")
    await care.back_up()
    copy = file_path(care.target / FOLDER, sha256)
    copy.unlink() if how == "lost" else copy.write_bytes(b"what was Meant")
    folder, url = care.place()
    with pytest.raises(Invalid, match=r"“a\.txt” of card #1"):
        await care.restore(folder, url)
    assert not any(folder.iterdir())


async def test_an_attached_file_that_is_lost_already_is_told_and_hinders_nothing(
    care: Care,
) -> None:
    scene = care.scene
    card, _ = await scene.in_review(await scene.repo("shop"))
    sha256 = await attach_to(scene, card, "a.txt", b"what was meant")
    file_path(care.root / FOLDER, sha256).unlink()
    manifest = await care.back_up()
    assert manifest.missing_files == [sha256]
    assert any("“a.txt” of card #1" in line for line in care.told)
    await care.restore(*care.place())
