"""What was done between two heads of a branch: the base's own changes are no part of it, however they came in."""

from __future__ import annotations

import pytest

from integration.git.conftest import Work
from lazyaf.domain.errors import NotFound
from lazyaf.git.interdiff import Carried, Interdiff, base_moved, interdiff, merge_base
from lazyaf.git.storage import Storage

LINES = "".join(f"{n}\n" for n in range(1, 31))


class Branch:
    """A card's branch and its base, in a clone that pushes every commit to the store."""

    def __init__(self, storage: Storage, repo_id: str, work: Work) -> None:
        self.storage, self.repo_id, self.work = storage, repo_id, work
        self.count = 0

    async def begin(self) -> str:
        """``main`` and, from it, ``card`` with a first head, which is returned."""
        await self.work.commit({"a.txt": LINES, "b.txt": LINES})
        await self.work.git("checkout", "-q", "-b", "card")
        return await self.commit({"a.txt": LINES.replace("20\n", "mine\n"), "new.txt": "new\n"})

    async def commit(self, files: dict[str, str | bytes | None]) -> str:
        await self.work.commit(files)
        return await self.kept()

    async def kept(self) -> str:
        self.count += 1
        await self.work.git("push", "-q", "store", f"HEAD:refs/heads/b{self.count}")
        return await self.work.head()

    async def advance(self, files: dict[str, str | bytes | None]) -> str:
        """Somebody else's work on main; the card's branch is checked out again."""
        await self.work.git("checkout", "-q", "main")
        tip = await self.commit(files)
        await self.work.git("checkout", "-q", "card")
        return tip

    async def between(self, base: str, before: str, after: str, **part: object) -> Interdiff:
        return await interdiff(self.storage, self.repo_id, base, before, after, **part)  # type: ignore[arg-type]


@pytest.fixture
def branch(storage: Storage, repo_id: str, work: Work) -> Branch:
    return Branch(storage, repo_id, work)


def changed(found: Interdiff) -> dict[str, list[str]]:
    """The changed lines of every file."""
    return {
        file.path: [sign + text for hunk in file.hunks for sign, text in hunk.lines if sign in "+-"]
        for file in found.diff.files
    }


async def test_without_a_move_of_the_base_it_is_the_plain_difference(branch: Branch) -> None:
    before = await branch.begin()
    base = await branch.work.head("main")
    after = await branch.commit({"new.txt": "newer\n"})
    found = await branch.between(base, before, after)
    assert changed(found) == {"new.txt": ["-new", "+newer"]}
    assert (found.carried, found.diff.base_sha, found.diff.head_sha) == (
        Carried.DIRECT, before, after)  # fmt: skip
    # Also where the base has gone on without the branch, and where the branch was amended.
    base = await branch.advance({"b.txt": "theirs\n" + LINES})
    assert changed(await branch.between(base, before, after)) == {"new.txt": ["-new", "+newer"]}
    await branch.work.git("commit", "-q", "--amend", "-m", "other words")
    amended = await branch.kept()
    assert changed(await branch.between(base, before, amended)) == changed(found)


@pytest.mark.parametrize("how", ["rebase", "merge"])
async def test_what_the_base_brought_is_no_part_of_it(branch: Branch, how: str) -> None:
    before = await branch.begin()
    base = await branch.advance({"a.txt": "theirs\n" + LINES, "b.txt": None, "c.txt": "c\n"})
    await branch.work.git(how, "-q", "main", *([] if how == "rebase" else ["--no-edit"]))
    moved = await branch.kept()
    nothing = await branch.between(base, before, moved)
    assert changed(nothing) == {}
    assert nothing.carried is Carried.MERGED
    assert await base_moved(branch.storage, branch.repo_id, base, before, moved)
    after = await branch.commit({"a.txt": "theirs\n" + LINES.replace("20\n", "better\n")})
    found = await branch.between(base, before, after)
    assert changed(found) == {"a.txt": ["-mine", "+better"]}
    assert (found.carried, found.files) == (Carried.MERGED, [])
    assert (found.diff.base_sha, found.diff.head_sha) == (before, after)
    assert found.diff.total.files == 1


async def test_a_settled_conflict_shows_how_it_was_settled_and_says_so(branch: Branch) -> None:
    before = await branch.begin()
    base = await branch.advance({"a.txt": LINES.replace("20\n", "theirs\n")})
    await branch.work.git("merge", "-q", "main", ok=(1,))
    after = await branch.commit({"a.txt": LINES.replace("20\n", "both\n")})
    found = await branch.between(base, before, after)
    assert (found.carried, found.files) == (Carried.CONFLICTED, ["a.txt"])
    lines = changed(found)["a.txt"]
    assert lines[-1] == "+both"
    assert "-mine" in lines
    assert "-theirs" in lines
    assert set(changed(found)) == {"a.txt"}


async def test_a_branch_that_was_moved_back_to_an_older_base(branch: Branch) -> None:
    await branch.begin()
    old_base = await branch.work.head("main")
    base = await branch.advance({"b.txt": "theirs\n" + LINES})
    await branch.work.git("rebase", "-q", "main")
    before = await branch.kept()
    await branch.work.git("rebase", "-q", "--onto", old_base, "main", "card")
    after = await branch.commit({"new.txt": "newer\n"})
    found = await branch.between(base, before, after)
    assert changed(found) == {"new.txt": ["-new", "+newer"]}
    assert found.carried is Carried.MERGED


async def test_a_history_of_its_own_is_compared_as_it_is(branch: Branch) -> None:
    before = await branch.begin()
    base = await branch.work.head("main")
    await branch.work.git("checkout", "-q", "--orphan", "lone")
    after = await branch.commit({"new.txt": "newer\n"})
    found = await branch.between(base, before, after)
    assert changed(found) == {"new.txt": ["-new", "+newer"]}
    assert found.carried is Carried.UNRELATED
    assert await merge_base(branch.storage, branch.repo_id, base, after) is None


async def test_one_file_alone_and_the_pages_of_many(branch: Branch) -> None:
    before = await branch.begin()
    base = await branch.advance({"c.txt": "c\n"})
    await branch.work.git("rebase", "-q", "main")
    after = await branch.commit({"new.txt": "newer\n", "b.txt": "b\n", "d.txt": "d\n"})
    first = await branch.between(base, before, after, limit=2)
    rest = await branch.between(base, before, after, skip=2, limit=2)
    assert [[f.path for f in part.diff.files] for part in (first, rest)] == [
        ["b.txt", "d.txt"], ["new.txt"]]  # fmt: skip
    assert (first.diff.rest, rest.diff.rest) == (2, None)
    alone = await branch.between(base, before, after, path="new.txt")
    assert changed(alone) == {"new.txt": ["-new", "+newer"]}


async def test_it_leaves_no_objects_behind(branch: Branch) -> None:
    before = await branch.begin()
    base = await branch.advance({"a.txt": "theirs\n" + LINES})
    await branch.work.git("rebase", "-q", "main")
    after = await branch.kept()
    there = await branch.storage.git(branch.repo_id, ["count-objects", "-v"])
    await branch.between(base, before, after)
    assert (await branch.storage.git(branch.repo_id, ["count-objects", "-v"])).text == there.text


async def test_a_commit_that_is_gone_is_named(branch: Branch) -> None:
    after = await branch.begin()
    base = await branch.work.head("main")
    with pytest.raises(NotFound, match="1111"):
        await branch.between(base, "1" * 40, after)
    assert not await base_moved(branch.storage, branch.repo_id, base, "1" * 40, after)
