"""Our diffs beside git's own, on changes that are easily got wrong.

Each case is made in a work tree and asked twice: of us, in the bare store, and of `git diff -M -C`
in the clone.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from lazyaf.git import diff
from lazyaf.git.diff import FileDiff

TEXT = "".join(f"line {n} of a text that is long enough to be recognised\n" for n in range(40))
BLOCK = "    /**\n     * Says %s.\n     */\n    say('%s');\n\n"
CODE = "begin\n" + "".join(BLOCK % (word, word) for word in ("a", "b", "c")) + "end\n"
INSERTED = CODE.replace("    /**\n     * Says c", BLOCK % ("new", "new") + "    /**\n     * Says c")

Case = tuple[Callable[..., Awaitable[None]], Callable[..., Awaitable[None]]]
CASES: dict[str, Case] = {}


def case(name: str, before: dict, after: dict, *more: Callable[[Path], None]) -> None:
    """Files before, files after (None removes), then what only the file system can say."""

    async def first(work) -> None:
        await work.commit(before)

    async def second(work) -> None:
        for change in more:
            change(work.folder)
        await work.commit(after)

    CASES[name] = (first, second)


def executable(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).chmod(0o755)


def moved(old: str, new: str) -> Callable[[Path], None]:
    def move(folder: Path) -> None:
        (folder / new).parent.mkdir(parents=True, exist_ok=True)
        (folder / old).rename(folder / new)

    return move


def linked(name: str, target: str) -> Callable[[Path], None]:
    def link(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return link


latin = os.fsdecode(b'gr\xf6\xdfe "x".txt')

case("modified", {"a": TEXT}, {"a": TEXT.replace("line 7 ", "line seven ")})
case("renamed", {"a": TEXT}, {}, moved("a", "b/c"))
case("renamed and changed", {"a": TEXT}, {"b": TEXT + "x\n"}, moved("a", "b"))
case("renamed and made executable", {"a": TEXT}, {}, moved("a", "b"), executable("b"))
case("two files that change places", {"a": TEXT, "b": CODE * 9}, {"a": CODE * 9, "b": TEXT})
case("a directory renamed", {f"old/{n}": f"{n}\n{TEXT}" for n in range(5)}, {}, moved("old", "new"))
case("copied from a changed file", {"a": TEXT}, {"a": TEXT + "x\n", "b": TEXT})
case("mode only", {"a": TEXT}, {}, executable("a"))
case("mode and content", {"a": TEXT}, {"a": TEXT + "x\n"}, executable("a"))
case("binary changed", {"a": b"\0\1\2"}, {"a": b"\0\1\3"})
case("binary renamed", {"a": b"\0\1\2" * 99}, {}, moved("a", "b"))
case("text becomes binary", {"a": TEXT}, {"a": b"\0" + TEXT.encode()})
case("symlink points elsewhere", {"x": ""}, {}, linked("l", "x"), linked("l", "y"))
case("file becomes symlink", {"a": TEXT}, {}, linked("a", "elsewhere"))
case("symlink that dangles", {"a": TEXT}, {}, linked("l", "../../etc/passwd"))
case("file becomes directory", {"a": TEXT}, {"a": None, "a/b": TEXT})
case("line endings", {"a": TEXT}, {"a": TEXT.replace("\n", "\r\n")})
case("mixed line endings", {"a": "1\r\n2\n3\r\n"}, {"a": "1\n2\n3\r\n"})
case("no newline at the end any more", {"a": "1\n2\n"}, {"a": "1\n2"})
case("a newline at the end now", {"a": "1\n2"}, {"a": "1\n2\n"})
case("no newline on either side", {"a": "1\n2"}, {"a": "1\n3"})
case("an empty file is born", {"x": "1"}, {"a": ""})
case("an empty file is gone", {"a": "", "x": "1"}, {"a": None})
case("emptied", {"a": TEXT}, {"a": ""})
case("empty files are no renames", {"a": "", "x": ""}, {"a": None, "b": ""})
case("contents that are no UTF-8", {"a": b"gr\xf6\xdfe\n"}, {"a": b"gr\xfc\xdfe\n"})
case("UTF-16", {"a": "grün\n".encode("utf-16")}, {"a": "blau\n".encode("utf-16")})
case("a byte order mark", {"a": TEXT}, {"a": "\ufeff" + TEXT})
case("names that are no UTF-8", {latin: TEXT}, {latin: TEXT + "x\n", os.fsdecode(b"\xff"): "1\n"})
case("names with everything", {"x": ""}, {"a b": "1\n", "tab\there": "2\n", "new\nline": "3\n",
                                          'quo"te': "4\n", "back\\slash": "5\n", ":0": "6\n"})  # fmt: skip
case("Unicode in two forms", {"x": ""}, {"\u00e9": "1\n", "e\u0301": "2\n"})
case("a hunk that can slide", {"a": CODE}, {"a": INSERTED})
case("carriage returns alone", {"a": "1\r2\r3\n"}, {"a": "1\r2\r4\n"})
case("form feeds and other blanks", {"a": "1\f\n\u2028\n"}, {"a": "2\f\n\u2028\u2029\n"})


async def ours(storage, repo_id) -> diff.Diff:
    return await diff.diff(storage, repo_id, "main", "card")


@pytest.mark.parametrize("name", CASES)
async def test_what_we_say_is_what_git_says(storage, repo_id, work, name: str) -> None:
    before, after = CASES[name]
    await work.commit({"always": "there\n"})
    await before(work)
    await work.git("checkout", "-q", "-b", "card")
    await after(work)
    await work.git("push", "-q", "store", "main", "card")
    answer = await ours(storage, repo_id)
    assert [summary(file) for file in answer.files] == await summaries(work)
    assert answer.files, "the case changes nothing"
    shown = {f.path: patch(f) for f in answer.files if f.hunks}
    assert shown == await patches(work)


def summary(file: FileDiff) -> tuple:
    modes = tuple(side.mode if side else "000000" for side in (file.old, file.new))
    ids = tuple(side.id if side else "0" * 40 for side in (file.old, file.new))
    counts = ("-", "-") if file.binary else (str(file.additions), str(file.deletions))
    return (*modes, *ids, file.status, file.old_path, file.path, *counts)


STATUSES = {"A": "added", "M": "modified", "D": "deleted", "R": "renamed", "C": "copied",
            "T": "type_changed"}  # fmt: skip


async def summaries(work) -> list[tuple]:
    """`git diff --raw` and `--numstat`, each asked for itself and read the plain way."""
    between = ("diff", "-M", "-C", "--no-abbrev", "main...card")
    raw = (await work.git(*between, "--raw", "-z")).stdout.split(b"\0")[:-1]
    counts = (await work.git(*between, "--numstat", "-z")).stdout.split(b"\0")[:-1]
    found = []
    while raw:
        old_mode, new_mode, old_id, new_id, status = raw.pop(0).decode()[1:].split(" ")
        names = [raw.pop(0) for _ in range(2 if status[0] in "RC" else 1)]
        added, deleted, *_ = counts.pop(0).decode(errors="replace").split("\t")
        if len(names) == 2:
            del counts[:2]
        shown = [await quoted(work, name) for name in names]
        old = shown[0] if len(shown) == 2 else None
        found.append((old_mode, new_mode, old_id, new_id, STATUSES[status[0]], old, shown[-1],
                      added, deleted))  # fmt: skip
    return found


async def quoted(work, name: bytes) -> str:
    """UTF-8 as it is; else in git's own quotes, which `ls-files` is asked for."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        listed = await work.git("ls-files", "--", os.fsdecode(name))
        return listed.text or (await work.git("ls-tree", "--name-only", "main", "--", name)).text


def patch(file: FileDiff) -> list[str]:
    lines = []
    for hunk in file.hunks:
        if file.status != "type_changed":
            lines.append(hunk.header)
        lines += [
            f"{origin} {text}" if origin == "\\" else origin + text for origin, text in hunk.lines
        ]
    return lines


async def patches(work) -> dict[str, list[str]]:
    """git's patch of each file, from its first hunk on."""
    between = ("diff", "-M", "-C", "main...card")
    names = (await work.git(*between, "--name-only", "-z")).stdout.split(b"\0")[:-1]
    whole = (await work.git(*between)).stdout.decode(errors="replace")
    parts = ("\n" + whole).split("\ndiff --git ")[1:]
    found: dict[str, list[str]] = {}
    if len(parts) > len(names):  # a change of type, which git shows as two patches and we as one
        assert len(names) == 1
        first, second = (part[part.find("\n@@ ") + 1 :].split("\n")[1:] for part in parts)
        return {await quoted(work, names[0]): [*first, *[line for line in second if line]]}
    for name, part in zip(names, parts, strict=True):
        at = part.find("\n@@ ")
        if at >= 0:
            found[await quoted(work, name)] = part[at + 1 :].removesuffix("\n").split("\n")
    return found
