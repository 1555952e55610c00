"""Merging without a work tree."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from lazyaf.domain.errors import GitFailed, Invalid, MergeConflict
from lazyaf.git import merge
from lazyaf.git.merge import Identity, Mergeability

Files = Mapping[str, str | bytes | None]
TEXT = "".join(f"line {n}\n" for n in range(20))


async def fork(work, base: Files, ours: Files, theirs: Files) -> tuple[str, str]:
    """Two branches from one commit, pushed: the base's tip and the head."""
    await work.commit(dict(base), "base")
    await work.git("checkout", "-q", "-b", "card")
    head = await work.commit(dict(theirs), "theirs")
    await work.git("checkout", "-q", "main")
    tip = await work.commit(dict(ours), "ours")
    await work.git("push", "-q", "store", "main", "card")
    return tip, head


def stored(storage, repo_id) -> set[str]:
    return {str(p) for p in (storage.path(repo_id) / "objects").rglob("*")}


CONFLICTS: dict[str, tuple[Files, Files, Files, list[str]]] = {
    "content": ({"a": "1\n", "b": "1\n"}, {"a": "2\n"}, {"a": "3\n", "b": "2\n"}, ["a"]),
    "add/add": ({"x": ""}, {"new": "1\n"}, {"new": "2\n"}, ["new"]),
    "rename/rename": (
        {"from": TEXT},
        {"from": None, "ours": TEXT},
        {"from": None, "theirs": TEXT},
        ["from", "ours", "theirs"],
    ),
    "modify/delete": ({"a": TEXT, "k": ""}, {"a": None}, {"a": TEXT + "x\n"}, ["a"]),
    "two": (
        {"ä b": "1\n", "z": "1\n"},
        {"ä b": "2\n", "z": "2\n"},
        {"ä b": "3\n", "z": "3\n"},
        ["z", "ä b"],
    ),
}


@pytest.mark.parametrize("kind", CONFLICTS)
async def test_conflicts_name_their_files_and_leave_no_objects(
    storage, repo_id, work, kind: str
) -> None:
    base, ours, theirs, files = CONFLICTS[kind]
    tip, head = await fork(work, base, ours, theirs)
    before = stored(storage, repo_id)
    for _ in range(2):  # computed, then remembered
        assert await merge.mergeability(storage, repo_id, tip, head) == Mergeability(False, files)
    with pytest.raises(MergeConflict) as conflict:
        await merge.merge_commit(storage, repo_id, tip, head, message="x")
    assert conflict.value.extra["files"] == files
    assert stored(storage, repo_id) == before
    assert list((storage.root / ".tmp").iterdir()) == []


async def test_a_directory_in_the_way_of_a_file_is_named(storage, repo_id, work) -> None:
    tip, head = await fork(work, {"x": ""}, {"thing": "file\n"}, {"thing/inside": "1\n"})
    answer = await merge.mergeability(storage, repo_id, tip, head)
    assert not answer.clean
    assert any("thing" in name for name in answer.files)


async def test_a_clean_merge_is_a_commit_that_no_ref_has_yet(storage, repo_id, work) -> None:
    tip, head = await fork(work, {"a": TEXT}, {"a": "first\n" + TEXT}, {"a": TEXT + "last\n"})
    before = stored(storage, repo_id)
    assert await merge.mergeability(storage, repo_id, tip, head) == Mergeability(True, [])
    assert stored(storage, repo_id) == before
    ann = Identity("Ann Ö", "ann@example.test", "1700000000 +0100")
    bot = Identity("LazyAF", "lazyaf@localhost", "1700000001 +0000")
    shas = {
        await merge.merge_commit(
            storage, repo_id, tip, head, message="Merge #1\n\nwords", author=ann, committer=bot
        )
        for _ in range(2)
    }
    assert len(shas) == 1  # the same question has the same answer
    shown = await storage.git(
        repo_id, ["show", "-s", "--format=%P|%an|%ae|%at|%cn|%ct|%B", shas.pop()]
    )
    assert shown.text.rstrip() == (
        f"{tip} {head}|Ann Ö|ann@example.test|1700000000|LazyAF|1700000001|Merge #1\n\nwords"
    )
    assert (await storage.git(repo_id, ["rev-parse", "main"])).text == tip


async def test_the_merged_tree_has_both_sides(storage, repo_id, work) -> None:
    tip, head = await fork(work, {"a": TEXT}, {"b": "1\n"}, {"c": "1\n"})
    sha = await merge.merge_commit(storage, repo_id, tip, head, message="m")
    listed = await storage.git(repo_id, ["ls-tree", "--name-only", sha])
    assert listed.text.split() == ["a", "b", "c"]


async def test_what_could_be_fast_forwarded_still_gets_its_merge_commit(
    storage, repo_id, work
) -> None:
    base = await work.commit({"a": "0"})
    head = await work.commit({"a": "1"})
    await work.git("push", "-q", "store", "main")
    sha = await merge.merge_commit(storage, repo_id, base, head, message="m")
    parents = await storage.git(repo_id, ["rev-parse", f"{sha}^1", f"{sha}^2", f"{sha}^{{tree}}"])
    assert parents.text.split() == [base, head, await work.head("HEAD^{tree}")]


async def test_the_attributes_of_the_target_decide(storage, repo_id, work) -> None:
    base = {".gitattributes": "log merge=union\n", "log": "0\n"}
    tip, head = await fork(
        work, base, {"log": "0\nours\n"}, {"log": "0\ntheirs\n", ".gitattributes": None}
    )
    assert (await merge.mergeability(storage, repo_id, tip, head)).clean
    sha = await merge.merge_commit(storage, repo_id, tip, head, message="m")
    merged = await storage.git(repo_id, ["cat-file", "blob", f"{sha}:log"])
    assert merged.text == "0\nours\ntheirs"
    assert not (await merge.mergeability(storage, repo_id, head, tip)).clean


async def test_attributes_behind_a_link_are_not_read(storage, repo_id, work) -> None:
    (work.folder / ".gitattributes").symlink_to("real")
    base = {"real": "log merge=union\n", "log": "0\n"}
    tip, head = await fork(work, base, {"log": "0\nours\n"}, {"log": "0\ntheirs\n"})
    assert not (await merge.mergeability(storage, repo_id, tip, head)).clean


async def test_strangers_do_not_merge(storage, repo_id, work) -> None:
    tip = await work.commit({"a": "0"})
    await work.git("checkout", "-q", "--orphan", "card")
    head = await work.commit({"a": "1"})
    await work.git("push", "-q", "store", "main", "card")
    assert await merge.mergeability(storage, repo_id, tip, head) == Mergeability(False, [])
    with pytest.raises(MergeConflict, match="no common history"):
        await merge.merge_commit(storage, repo_id, tip, head, message="m")
    with pytest.raises(GitFailed):
        await merge.mergeability(storage, repo_id, tip, "1" * 40)


async def test_only_full_ids_are_merged(storage, repo_id) -> None:
    for wrong in ("main", "--help", "1" * 39):
        with pytest.raises(Invalid):
            await merge.mergeability(storage, repo_id, wrong, "1" * 40)
        with pytest.raises(Invalid):
            await merge.merge_commit(storage, repo_id, "1" * 40, wrong, message="m")
