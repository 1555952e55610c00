"""Lines followed from one commit to another, through real git: what a review comment holds on to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.git.conftest import Work
from lazyaf.domain.errors import GitFailed
from lazyaf.git.storage import Storage
from lazyaf.git.track import LARGEST, Place, _shifted, track

CODE = "".join(f"line {n}\n" for n in range(1, 21))


class Followed:
    """A repository whose commits are made one by one and are in the store."""

    def __init__(self, storage: Storage, repo_id: str, work: Work) -> None:
        self.storage, self.repo_id, self.work = storage, repo_id, work
        self.count = 0

    async def commit(self, files: dict[str, Any]) -> str:
        sha = await self.work.commit(files)
        await self.keep()
        return sha

    async def keep(self) -> None:
        self.count += 1
        await self.work.git("push", "-q", "store", f"HEAD:refs/heads/b{self.count}")

    async def __call__(self, old: str, new: str, place: Place) -> Place | None:
        return (await track(self.storage, self.repo_id, old, new, [place]))[place]


@pytest.fixture
def followed(storage: Storage, repo_id: str, work: Work) -> Followed:
    return Followed(storage, repo_id, work)


def without(*lines: int) -> str:
    return "".join(f"line {n}\n" for n in range(1, 21) if n not in lines)


async def test_what_comes_above_moves_a_line_and_what_comes_below_does_not(
    followed: Followed,
) -> None:
    old = await followed.commit({"a.py": CODE})
    new = await followed.commit({"a.py": "top\ntop\n" + CODE + "end\n"})
    assert await followed(old, new, Place("a.py", 7, 7)) == Place("a.py", 9, 9)
    assert await followed(new, old, Place("a.py", 9, 9)) == Place("a.py", 7, 7)
    assert await followed(old, old, Place("a.py", 7, 7)) == Place("a.py", 7, 7)


async def test_a_line_that_was_changed_or_removed_is_lost_and_its_neighbours_are_not(
    followed: Followed,
) -> None:
    old = await followed.commit({"a.py": CODE})
    changed = await followed.commit({"a.py": CODE.replace("line 7\n", "line seven\nand more\n")})
    removed = await followed.commit({"a.py": without(7)})
    for new, last in ((changed, 9), (removed, 7)):
        assert await followed(old, new, Place("a.py", 7, 7)) is None
        assert await followed(old, new, Place("a.py", 6, 6)) == Place("a.py", 6, 6)
        assert await followed(old, new, Place("a.py", 8, 8)) == Place("a.py", last, last)


async def test_a_range_is_lost_with_any_of_its_lines_and_grows_by_what_is_put_into_it(
    followed: Followed,
) -> None:
    old = await followed.commit({"a.py": CODE})
    grown = await followed.commit({"a.py": CODE.replace("line 6\n", "line 6\nnew\n")})
    cut = await followed.commit({"a.py": without(7)})
    assert await followed(old, grown, Place("a.py", 5, 8)) == Place("a.py", 5, 9)
    assert await followed(old, grown, Place("a.py", 3, 6)) == Place("a.py", 3, 6)
    assert await followed(old, grown, Place("a.py", 7, 9)) == Place("a.py", 8, 10)
    assert await followed(old, cut, Place("a.py", 5, 8)) is None


async def test_a_renamed_file_takes_its_lines_along(followed: Followed) -> None:
    old = await followed.commit({"src/a.py": CODE})
    await followed.work.git("mv", "src/a.py", "b.py")
    moved = await followed.commit({})
    edited = await followed.commit({"b.py": "top\n" + CODE.replace("line 3\n", "3\n")})
    assert await followed(old, moved, Place("src/a.py", 7, 7)) == Place("b.py", 7, 7)
    assert await followed(old, edited, Place("src/a.py", 7, 7)) == Place("b.py", 8, 8)
    assert await followed(old, edited, Place("src/a.py", 3, 3)) is None
    assert await followed(old, edited, Place("src/a.py")) == Place("b.py")


async def test_a_copy_leaves_the_lines_where_they_are(followed: Followed) -> None:
    old = await followed.commit({"a.py": CODE})
    new = await followed.commit({"b.py": CODE, "a.py": "top\n" + CODE})
    assert await followed(old, new, Place("a.py", 7, 7)) == Place("a.py", 8, 8)


async def test_a_file_that_is_gone_or_something_else_loses_its_lines(followed: Followed) -> None:
    old = await followed.commit({"a.py": CODE, "b.py": CODE.upper()})
    gone = await followed.commit({"a.py": None})
    (followed.work.folder / "a.py").symlink_to("b.py")
    link = await followed.commit({})
    for new in (gone, link):
        assert await followed(old, new, Place("a.py", 7, 7)) is None
        assert await followed(old, new, Place("a.py")) is None
        assert await followed(old, new, Place("b.py", 7, 7)) == Place("b.py", 7, 7)


async def test_lines_are_followed_across_a_rebase(followed: Followed) -> None:
    await followed.commit({"a.py": CODE, "other.txt": "1\n"})
    await followed.work.git("checkout", "-q", "-b", "card")
    old = await followed.commit({"a.py": CODE.replace("line 15\n", "line 15\nmine\n")})
    await followed.work.git("checkout", "-q", "main")
    await followed.commit({"a.py": "theirs\n" + CODE, "other.txt": "2\n"})
    await followed.work.git("checkout", "-q", "card")
    await followed.work.git("rebase", "-q", "main")
    await followed.keep()
    new = await followed.work.head()
    assert await followed(old, new, Place("a.py", 16, 16)) == Place("a.py", 17, 17)


async def test_line_endings_are_no_change_of_a_line(followed: Followed) -> None:
    old = await followed.commit({"a.txt": CODE})
    crlf = await followed.commit({"a.txt": "top\r\n" + CODE.replace("\n", "\r\n")})
    edited = await followed.commit({"a.txt": CODE.replace("\n", "\r\n").replace("line 7\r", "7\r")})
    assert await followed(old, crlf, Place("a.txt", 7, 7)) == Place("a.txt", 8, 8)
    assert await followed(crlf, old, Place("a.txt", 8, 8)) == Place("a.txt", 7, 7)
    assert await followed(crlf, edited, Place("a.txt", 8, 8)) is None
    assert await followed(crlf, edited, Place("a.txt", 9, 9)) == Place("a.txt", 8, 8)


@pytest.mark.parametrize(
    "name", ["with space.txt", "tab\there.txt", "grün.txt", 'quo"te\\.txt', "-rf"]
)
async def test_odd_names(followed: Followed, name: str) -> None:
    old = await followed.commit({name: CODE})
    new = await followed.commit({name: "top\n" + CODE})
    assert await followed(old, new, Place(name, 7, 7)) == Place(name, 8, 8)


async def test_a_name_that_is_no_utf_8_is_known_by_what_is_shown_of_it(followed: Followed) -> None:
    name = b"gr\xfcn.txt".decode(errors="surrogateescape")
    old = await followed.commit({name: CODE})
    new = await followed.commit({name: "top\n" + CODE})
    shown = Place('"gr\\374n.txt"', 7, 7)
    assert await followed(old, new, shown) == Place('"gr\\374n.txt"', 8, 8)


async def test_a_changed_file_that_is_too_large_loses_its_lines(followed: Followed) -> None:
    big = CODE + "x\n" * (LARGEST // 2)
    old = await followed.commit({"a.txt": big, "b.txt": CODE})
    new = await followed.commit({"a.txt": "top\n" + big})
    assert await followed(old, new, Place("a.txt", 7, 7)) is None
    assert await followed(old, new, Place("b.txt", 7, 7)) == Place("b.txt", 7, 7)


async def test_a_commit_that_is_not_there_is_an_error(followed: Followed) -> None:
    old = await followed.commit({"a.py": CODE})
    with pytest.raises(GitFailed):
        await followed("1" * 40, old, Place("a.py", 1, 1))


Texts = st.lists(st.integers(0, 9), max_size=12)


@given(before=Texts, after=Texts, at=st.integers(1, 12))
def test_a_line_that_is_followed_is_the_same_line(
    before: Sequence[int], after: Sequence[int], at: int
) -> None:
    from difflib import SequenceMatcher

    if at > len(before):
        return
    spans = [
        (i1 + 1 if i2 > i1 else i1, i2 - i1, j2 - j1)
        for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after, False).get_opcodes()
        if tag != "equal"
    ]
    found = _shifted(spans, at, at)
    if found is not None:
        assert found[0] == found[1]
        assert after[found[0] - 1] == before[at - 1]
