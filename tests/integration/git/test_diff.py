"""What changed between two commits, as a reviewer sees it."""

from __future__ import annotations

import os
from collections.abc import Mapping

import pytest

from lazyaf.domain.errors import NotFound
from lazyaf.git import diff
from lazyaf.git.diff import FileDiff, Hunk

Files = Mapping[str, str | bytes | None]


async def compare(storage, repo_id, work, before: Files, after: Files, **options) -> diff.Diff:
    await work.commit(dict(before))
    await work.git("checkout", "-q", "-b", "card")
    await work.commit(dict(after))
    await work.git("push", "-q", "store", "main", "card")
    return await diff.diff(storage, repo_id, "main", "card", **options)


def by_path(answer: diff.Diff) -> dict[str, FileDiff]:
    return {file.path: file for file in answer.files}


async def test_lines_come_in_hunks_with_context(storage, repo_id, work) -> None:
    before = "".join(f"{n}\n" for n in range(1, 21))
    after = before.replace("5\n", "five\n", 1).replace("20\n", "20\n21")
    answer = await compare(storage, repo_id, work, {"a": before}, {"a": after}, context=1)
    file = answer.files[0]
    assert (file.path, file.status, file.additions, file.deletions) == ("a", "modified", 2, 1)
    assert (file.old_path, file.old_mode, file.new_mode) == (None, "100644", "100644")
    assert file.hunks[0] == Hunk(
        "@@ -4,3 +4,3 @@",
        4,
        3,
        4,
        3,
        [(" ", "4"), ("-", "5"), ("+", "five"), (" ", "6")],
    )
    assert file.hunks[1].lines == [(" ", "20"), ("+", "21"), diff.NO_NEWLINE]


async def test_every_kind_of_change_has_its_status(storage, repo_id, work) -> None:
    text = "".join(f"line {n}\n" for n in range(30))
    (work.folder / "link").symlink_to("kept")
    before = {"kept": "same\n", "gone": "x\ny\n", "old": text, "mode": "m\n", "both": text * 2}
    await work.commit(before)
    await work.git("checkout", "-q", "-b", "card")
    (work.folder / "link").unlink()
    (work.folder / "mode").chmod(0o755)
    await work.commit(
        {
            "gone": None,
            "old": None,
            "new": text + "more\n",
            "born": "1\n",
            "link": "file now\n",
            "both": text * 2 + "changed\n",
            "copy": text * 2,
        }
    )
    await work.git("push", "-q", "store", "main", "card")
    files = by_path(await diff.diff(storage, repo_id, "main", "card"))
    assert {path: file.status for path, file in files.items()} == {
        "born": "added",
        "both": "modified",
        "copy": "copied",
        "gone": "deleted",
        "link": "type_changed",
        "mode": "modified",
        "new": "renamed",
    }
    renamed = files["new"]
    assert (renamed.old_path, renamed.additions, renamed.deletions) == ("old", 1, 0)
    assert renamed.hunks[0].lines[-1] == ("+", "more")
    assert (files["copy"].old_path, files["copy"].hunks) == ("both", [])
    assert (files["mode"].old_mode, files["mode"].new_mode) == ("100644", "100755")
    assert files["gone"].hunks[0].lines == [("-", "x"), ("-", "y")]
    assert files["link"].hunks[0].lines[0] == ("-", "kept")


async def test_bytes_that_are_no_text(storage, repo_id, work) -> None:
    odd = os.fsdecode(b"gr\xf6n")
    before = {"bin": b"\0\1", "latin": b"gr\xf6n\n"}
    after = {"bin": b"\0\2", "latin": b"r\xf6t\r\n", odd: "x\n"}
    files = by_path(await compare(storage, repo_id, work, before, after))
    assert set(files) == {"bin", "latin", "gr\ufffdn"}
    binary = files["bin"]
    assert (binary.binary, binary.hunks, binary.too_large, binary.additions) == (True, [], False, 0)
    assert files["latin"].hunks[0].lines == [("-", "gr\ufffdn"), ("+", "r\ufffdt\r")]
    assert files["gr\ufffdn"].hunks[0].lines == [("+", "x")]


async def test_a_submodule_is_one_line(storage, repo_id, work) -> None:
    head = await work.commit({"a": "0"})
    await work.git("checkout", "-q", "-b", "card")
    await work.git("update-index", "--add", "--cacheinfo", f"160000,{head},sub")
    await work.git("commit", "-q", "-m", "sub")
    await work.git("push", "-q", "store", "main", "card")
    file = (await diff.diff(storage, repo_id, "main", "card")).files[0]
    assert (file.path, file.new_mode) == ("sub", "160000")
    assert file.hunks[0].lines == [("+", f"Subproject commit {head}")]


async def test_large_files_keep_their_counts_and_load_alone(storage, repo_id, work) -> None:
    long = "".join(f"{n}\n" for n in range(3_001))
    wide = "x" * 600_000 + "\n"
    huge = "y\n" * 3_000_000
    answer = await compare(
        storage,
        repo_id,
        work,
        {},
        {"a": "1\n", "huge": huge, "long": long, "wide": wide, "z": "1\n"},
    )
    files = by_path(answer)
    assert {p for p, f in files.items() if f.too_large} == {"huge", "long", "wide"}
    assert all(not f.hunks for f in files.values() if f.too_large)
    assert (files["long"].additions, files["huge"].additions) == (3_001, 3_000_000)
    assert files["z"].hunks
    for name, loads in (("long", True), ("wide", True), ("huge", False)):
        alone = await diff.diff(storage, repo_id, "main", "card", path=name)
        assert [f.path for f in alone.files] == [name]
        assert alone.files[0].too_large is not loads
    assert (await diff.diff(storage, repo_id, "main", "card", path="none")).files == []


async def test_a_large_diff_loses_the_hunks_of_its_later_files(storage, repo_id, work) -> None:
    text = "".join(f"{n}\n" for n in range(2_500))
    answer = await compare(
        storage, repo_id, work, {}, {f"{n:02}": f"{n}\n{text}" for n in range(10)}
    )
    assert [f.path for f in answer.files if f.too_large] == ["07", "08", "09"]
    assert await diff.stat(storage, repo_id, "main", "card") == diff.Stat(10, 25_010, 0)


async def test_three_dots_leave_out_what_the_base_did_meanwhile(storage, repo_id, work) -> None:
    fork = await work.commit({"a": "0\n"})
    await work.git("checkout", "-q", "-b", "card")
    head = await work.commit({"b": "0\n"})
    await work.git("checkout", "-q", "main")
    tip = await work.commit({"a": "1\n"})
    await work.git("push", "-q", "store", "main", "card")
    answer = await diff.diff(storage, repo_id, "main", head)
    assert (answer.base_sha, answer.head_sha, list(by_path(answer))) == (fork, head, ["b"])
    straight = await diff.diff(storage, repo_id, "main", head, three_dot=False)
    assert (straight.base_sha, set(by_path(straight))) == (tip, {"a", "b"})
    for _ in range(2):  # computed, then remembered
        assert await diff.stat(storage, repo_id, "main", head) == diff.Stat(1, 1, 0)


async def test_histories_without_a_common_commit_are_compared_directly(
    storage, repo_id, work
) -> None:
    base = await work.commit({"a": "0\n"})
    await work.git("checkout", "-q", "--orphan", "card")
    await work.commit({"a": "0\n", "b": "1\n"})
    await work.git("push", "-q", "store", "main", "card")
    answer = await diff.diff(storage, repo_id, "main", "card")
    assert (answer.base_sha, list(by_path(answer))) == (base, ["b"])


async def test_nothing_changed_and_nothing_there(storage, repo_id, work) -> None:
    await work.commit({"a": "0"})
    await work.git("push", "-q", "store", "main")
    assert (await diff.diff(storage, repo_id, "main", "main")).files == []
    assert await diff.stat(storage, repo_id, "main", "main") == diff.Stat(0, 0, 0)
    for ends in (("main", "gone"), ("gone", "main")):
        with pytest.raises(NotFound):
            await diff.diff(storage, repo_id, *ends)
