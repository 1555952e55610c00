"""What changed between two commits, as a reviewer sees it."""

from __future__ import annotations

import os
from collections.abc import Mapping

import pytest

from lazyaf.domain.errors import NotFound
from lazyaf.git import changes, diff
from lazyaf.git.diff import FileDiff, Hunk

Files = Mapping[str, str | bytes | None]


async def compare(storage, repo_id, work, before: Files, after: Files, **options) -> diff.Diff:
    await work.commit(dict(before))
    await work.git("checkout", "-q", "-b", "card")
    await work.commit(dict(after))
    await work.git("push", "-q", "store", "main", "card")
    return await diff.diff(storage, repo_id, "main", "card", **options)


def modes(file: FileDiff) -> tuple[str | None, str | None]:
    return tuple(side and side.mode for side in (file.old, file.new))


def by_path(answer: diff.Diff) -> dict[str, FileDiff]:
    return {file.path: file for file in answer.files}


async def test_lines_come_in_hunks_with_context(storage, repo_id, work) -> None:
    before = "".join(f"{n}\n" for n in range(1, 21))
    after = before.replace("5\n", "five\n", 1).replace("20\n", "20\n21")
    answer = await compare(storage, repo_id, work, {"a": before}, {"a": after}, context=1)
    file = answer.files[0]
    assert (file.path, file.status, file.additions, file.deletions) == ("a", "modified", 2, 1)
    assert file.old == diff.Side("file", "100644", await work.head("main:a"), len(before))
    assert file.new == diff.Side("file", "100644", await work.head("card:a"), len(after))
    assert file.old_path is None
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
    assert modes(files["mode"]) == ("100644", "100755")
    assert (files["gone"].new, files["born"].old) == (None, None)
    assert files["link"].old.kind == "symlink"
    assert files["link"].new.kind == "file"
    assert files["gone"].hunks[0].lines == [("-", "x"), ("-", "y")]
    assert files["link"].hunks[0].lines[0] == ("-", "kept")


async def test_bytes_that_are_no_text(storage, repo_id, work) -> None:
    odd = os.fsdecode(b"gr\xf6n")
    before = {"bin": b"\0\1", "latin": b"gr\xf6n\n"}
    after = {"bin": b"\0\2", "latin": b"r\xf6t\r\n", odd: "x\n"}
    files = by_path(await compare(storage, repo_id, work, before, after))
    assert set(files) == {"bin", "latin", '"gr\\366n"'}  # as git itself quotes it
    binary = files["bin"]
    assert (binary.binary, binary.hunks, binary.too_large, binary.additions) == (True, [], False, 0)
    assert files["latin"].hunks[0].lines == [("-", "gr\ufffdn"), ("+", "r\ufffdt\r")]
    assert files['"gr\\366n"'].hunks[0].lines == [("+", "x")]
    alone = await diff.diff(storage, repo_id, "main", "card", path='"gr\\366n"')
    assert [file.additions for file in alone.files] == [1]


async def test_a_submodule_is_a_move_of_its_commit(storage, repo_id, work) -> None:
    first, second = "1" * 40, "2" * 40  # nobody here has them
    for name, sha in (("main", first), ("card", second)):
        await work.git("checkout", "-q", "-B", name)
        await work.git("update-index", "--add", "--cacheinfo", f"160000,{sha},sub")
        await work.git("commit", "-q", "-m", "sub")
    await work.git("push", "-q", "store", "main", "card")
    file = (await diff.diff(storage, repo_id, "main", "card")).files[0]
    assert (file.path, file.status, file.binary, file.hunks) == ("sub", "modified", False, [])
    assert file.old == diff.Side("submodule", "160000", first, None)
    assert file.new == diff.Side("submodule", "160000", second, None)


def pointer(size: int) -> str:
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize {size}\n"


async def test_a_pointer_of_lfs_is_shown_with_the_size_it_stands_for(
    storage, repo_id, work
) -> None:
    before = {"video": pointer(12_000_000), "moved": b"\0" * 300, "text": "version of a thing\n"}
    after = {"video": pointer(15_000_000), "moved": pointer(300), "text": "version https://x\n"}
    files = by_path(await compare(storage, repo_id, work, before, after))
    video = files["video"]
    assert (video.old.kind, video.old.size) == ("lfs", 12_000_000)
    assert (video.new.kind, video.new.size, video.hunks) == ("lfs", 15_000_000, [])
    assert video.new.id == await work.head("card:video")
    assert (files["moved"].old.kind, files["moved"].new.kind) == ("file", "lfs")
    assert (files["moved"].new.size, files["moved"].hunks) == (300, [])
    assert (files["text"].new.kind, len(files["text"].hunks)) == ("file", 1)


async def test_what_git_did_not_look_into_is_large_and_not_binary(
    storage, repo_id, work, monkeypatch
) -> None:
    monkeypatch.setattr(changes, "MAX_COMPARED", 1_000)
    monkeypatch.setattr(diff, "MAX_COMPARED", 1_000)
    files = by_path(
        await compare(
            storage, repo_id, work, {}, {"huge": "line\n" * 300, "bin": b"\0", "a": "1\n"}
        )
    )
    assert (files["huge"].too_large, files["huge"].binary, files["huge"].hunks) == (True, False, [])
    assert files["huge"].new.size == 1_500
    assert (files["bin"].too_large, files["bin"].binary) == (False, True)
    assert files["a"].hunks


async def test_attributes_say_what_is_binary(storage, repo_id, work) -> None:
    after = {".gitattributes": "*.lock -diff\n*.dat diff\n", "x.lock": "1\n", "y.dat": "a\0b\n"}
    files = by_path(await compare(storage, repo_id, work, {}, after))
    assert files["x.lock"].binary
    assert not files["y.dat"].binary
    assert files["y.dat"].hunks[0].lines == [("+", "a\0b")]


async def test_thousands_of_files_come_in_pages(storage, repo_id, work) -> None:
    after = {f"d/{n:04}": f"{n}\n" for n in range(2_500)}
    page = await compare(storage, repo_id, work, {}, after)
    total = diff.Stat(2_500, 2_500, 0)
    found = list(page.files)
    assert (len(found), page.rest) == (1_000, 1_000)
    while page.rest is not None:
        assert page.total == total
        page = await diff.diff(storage, repo_id, "main", "card", skip=page.rest)
        found += page.files
    assert [file.path for file in found] == sorted(after)
    assert all(file.hunks for file in found)


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
