"""Merging and rebasing without a work tree, beside git's own answer in one.

Each case is a fork of two branches; what `git merge` and `git rebase` make of it in a checkout, with
the same files in conflict, is what the bare repository must say too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from lazyaf.domain.errors import Conflict, MergeConflict
from lazyaf.git import command, merge, rebase
from lazyaf.git.attributes import attributes_of
from lazyaf.git.merge import Identity

TEXT = "".join(f"line {n}\n" for n in range(20))
ANN = Identity("Ann Ö", "ann@example.test", "1700000000 +0100")
Work = Any
Step = Callable[[Work], Awaitable[None]]


@dataclass(frozen=True)
class Case:
    """The files both begin with, and what either side does, each step a commit."""

    base: dict[str, str | bytes]
    ours: tuple[Step, ...]
    theirs: tuple[Step, ...]


def put(**files: str | bytes | None) -> Step:
    """Write files; ``__`` in a name is a slash, ``_`` a dot."""
    named = {name.replace("__", "/").replace("_", "."): text for name, text in files.items()}

    async def step(work: Work) -> None:
        # A commit is its content and the second: both sides doing the same must not be one commit.
        await work.commit(
            named, f"{(await work.git('symbolic-ref', 'HEAD')).text}: write {sorted(named)}"
        )

    return step


def move(old: str, new: str, text: str | None = None) -> Step:
    async def step(work: Work) -> None:
        (work.folder / new).parent.mkdir(parents=True, exist_ok=True)
        await work.git("mv", old, new)
        await work.commit({} if text is None else {new: text}, f"move {old} to {new}")

    return step


def link(name: str, target: str) -> Step:
    async def step(work: Work) -> None:
        (work.folder / name).unlink(missing_ok=True)
        (work.folder / name).symlink_to(target)
        await work.commit({}, f"link {name}")

    return step


def mode(name: str, text: str | None = None) -> Step:
    async def step(work: Work) -> None:
        (work.folder / name).chmod(0o755)
        await work.commit({} if text is None else {name: text}, f"make {name} executable")

    return step


FIRST, LAST = "first\n" + TEXT, TEXT + "last\n"
CASES = {
    "clean content": Case({"a.txt": TEXT}, (put(a_txt=FIRST),), (put(a_txt=LAST),)),
    "rename/rename to two": Case(
        {"a.txt": TEXT}, (move("a.txt", "b.txt"),), (move("a.txt", "c.txt"),)
    ),
    "rename/rename to one": Case(
        {"a.txt": TEXT, "b.txt": TEXT.upper()},
        (move("a.txt", "c.txt"),),
        (move("b.txt", "c.txt"),),
    ),
    "rename and content": Case({"a.txt": TEXT}, (move("a.txt", "b.txt"),), (put(a_txt=LAST),)),
    "rename/delete": Case({"a.txt": TEXT}, (put(a_txt=None),), (move("a.txt", "b.txt"),)),
    "directory rename, file added": Case(
        {"old/a": TEXT, "old/b": TEXT.upper()}, (move("old", "new"),), (put(old__c="c\n"),)
    ),
    "directory rename, file changed": Case(
        {"old/a": TEXT, "old/b": "b\n"}, (move("old", "new"),), (put(old__a=LAST),)
    ),
    "add/add": Case({"x": ""}, (put(new="1\n"),), (put(new="2\n"),)),
    "add/add of the same": Case({"x": ""}, (put(new="1\n"),), (put(new="1\n"),)),
    "binary": Case({"a": b"\0" * 99}, (put(a=b"\0\1" * 99),), (put(a=b"\0\2" * 99),)),
    "binary on one side": Case({"a": b"\0" * 99, "b": ""}, (put(b="1"),), (put(a=b"\0\2"),)),
    "symlink against file": Case({"x": ""}, (link("new", "x"),), (put(new="text\n"),)),
    "symlink against symlink": Case({"x": "", "y": ""}, (link("n", "x"),), (link("n", "y"),)),
    "file becomes symlink": Case({"a": TEXT, "x": ""}, (put(x="1"),), (link("a", "x"),)),
    "crlf": Case({"a": "1\r\n2\r\n"}, (put(a="1\n2\n"),), (put(a="1\r\n3\r\n"),)),
    "crlf apart": Case(
        {"a": TEXT.replace("\n", "\r\n")},
        (put(a=FIRST.replace("\n", "\r\n")),),
        (put(a=LAST.replace("\n", "\r\n")),),
    ),
    "mode and content": Case({"a": TEXT}, (mode("a"),), (put(a=LAST),)),
    "mode and content on both": Case({"a": TEXT}, (mode("a", FIRST),), (put(a="other\n" + TEXT),)),
    "modify/delete": Case({"a": TEXT, "k": ""}, (put(a=None),), (put(a=LAST),)),
    "odd names": Case({"ä b\n": "1\n"}, (put(x="1"),), (put(y="2"),)),
    "union by a nested attribute": Case(
        {"docs/.gitattributes": "*.log merge=union\n", "docs/deep/a.log": "0\n"},
        (put(docs__deep__a_log="0\nours\n"),),
        (put(docs__deep__a_log="0\ntheirs\n"),),
    ),
    "binary by an attribute": Case(
        {".gitattributes": "*.dat -merge\n", "a.dat": TEXT},
        (put(a_dat=FIRST),),
        (put(a_dat=LAST),),
    ),
    "several commits": Case(
        {"a": TEXT, "b": "1\n"},
        (put(a=FIRST), put(c="new\n")),
        (put(a=LAST), put(b="2\n"), put(d="3\n"), move("d", "e")),
    ),
    "a commit that the base has already": Case(
        {"a": TEXT, "b": "1\n"}, (put(b="2\n"), put(c="c")), (put(b="2\n"), put(a=LAST))
    ),
    "nothing left": Case({"b": "1\n"}, (put(b="2\n"),), (put(b="2\n"),)),
}


async def fork(work: Work, case: Case) -> tuple[str, str]:
    """The tips of ``main`` and ``card``, pushed."""
    await work.commit(dict(case.base), "base")
    await work.git("checkout", "-q", "-b", "card")
    for step in case.theirs:
        await step(work)
    await work.git("checkout", "-q", "main")
    for step in case.ours:
        await step(work)
    await work.git("push", "-q", "store", "main", "card")
    return await work.head("main"), await work.head("card")


async def unmerged(work: Work) -> list[str]:
    listed = (await work.git("ls-files", "-u", "-z")).stdout.decode().split("\0")
    # What is in the way of another is set aside as "<path>~<side>", here and there.
    return sorted({entry.partition("\t")[2].partition("~")[0] for entry in listed if entry})


@pytest.mark.parametrize("name", CASES)
async def test_a_merge_is_gits(storage, repo_id, work, name: str) -> None:
    tip, head = await fork(work, CASES[name])
    done = await work.git("merge", "-q", "--no-ff", "-m", "m", "card", ok=(0, 1))
    ours = await merge.mergeability(storage, repo_id, tip, head)
    assert ours.clean is (done.returncode == 0)
    if done.returncode:
        assert ours.files == await unmerged(work)
        for making in (merge.merge_commit, merge.squash_commit):
            with pytest.raises(MergeConflict) as refused:
                await making(storage, repo_id, tip, head, message="m")
            assert refused.value.extra["files"] == ours.files
        return
    expected = await work.head("HEAD^{tree}")
    for making, parents in ((merge.merge_commit, [tip, head]), (merge.squash_commit, [tip])):
        made = await making(storage, repo_id, tip, head, message="m", author=ANN, committer=ANN)
        said = await storage.git(repo_id, ["show", "-s", "--format=%T%n%P%n%an <%ae> %cn", made])
        assert said.text.splitlines() == [
            expected,
            " ".join(parents),
            "Ann Ö <ann@example.test> Ann Ö",
        ]


@pytest.mark.parametrize("name", CASES)
async def test_a_rebase_is_gits(storage, repo_id, work, name: str) -> None:
    tip, head = await fork(work, CASES[name])
    done = await work.git("rebase", "-q", "main", "card", ok=(0, 1))
    merges = (await merge.mergeability(storage, repo_id, tip, head)).clean
    before = sorted(storage.path(repo_id).rglob("*"))
    if done.returncode or not merges:
        with pytest.raises(Conflict) as refused:
            await rebase.rebase(storage, repo_id, tip, head, committer=ANN)
        if done.returncode:
            assert refused.value.extra["files"] == await unmerged(work)
        assert sorted(storage.path(repo_id).rglob("*")) == before
        return
    made = await rebase.rebase(storage, repo_id, tip, head, committer=ANN)
    theirs = await log_of(work.git, "card", tip)
    assert await log_of(lambda *args: storage.git(repo_id, list(args)), made, tip) == theirs
    shown = await storage.git(repo_id, ["log", "--format=%cn %ct", f"{tip}..{made}"])
    assert set(shown.text.splitlines()) <= {"Ann Ö 1700000000"}
    assert list((storage.root / ".tmp").iterdir()) == []
    objects = await storage.git(
        repo_id, ["fsck", "--unreachable", "--no-progress", made, tip, head]
    )
    assert objects.stdout == b""


async def log_of(git: Any, tip: str, base: str) -> str:
    """Tree, author with time and message of each commit since ``base``."""
    said = await git("log", "--format=%T %an %ae %ad%n%B", "--date=raw", f"{base}..{tip}")
    return str(said.text)


async def test_messages_and_authors_are_kept_to_the_byte(storage, repo_id, work) -> None:
    await fork(work, Case({"a": "1"}, (put(b="1"),), ()))
    tip = await work.head()
    tree = await work.head("card^{tree}")
    raw = (
        b"tree %s\nparent %s\nauthor J\xf6rg  <> 1 -0330\ncommitter B <b@x> 1 +0000\n"
        b"gpgsig -----BEGIN\n and\n so on\nencoding ISO-8859-1\n\n\nGr\xfc\xdfe\n\n# no comment"
        % (tree.encode(), (await work.head("card")).encode())
    )
    made = await command.run(
        ["hash-object", "-w", "-t", "commit", "--stdin", "--literally"],
        cwd=work.folder,
        stdin=raw,
    )
    await work.git("push", "-q", "store", f"{made.text}:refs/heads/odd")
    replayed = await rebase.rebase(storage, repo_id, tip, made.text, committer=ANN)
    kept = (await storage.git(repo_id, ["cat-file", "commit", replayed])).stdout
    head, _, message = kept.partition(b"\n\n")
    assert message == b"\nGr\xfc\xdfe\n\n# no comment"
    assert head.splitlines()[2:] == [
        b"author J\xf6rg  <> 1 -0330",
        "committer Ann Ö <ann@example.test> 1700000000 +0100".encode(),
        b"encoding ISO-8859-1",
    ]


async def test_a_branch_that_was_begun_anew_is_replayed_from_its_root(
    storage, repo_id, work
) -> None:
    tip, _ = await fork(work, Case({"a": TEXT}, (put(b="1"),), ()))
    await work.git("checkout", "-q", "--orphan", "other")
    await work.commit({"fresh": "1\n"}, "root")
    await work.git("checkout", "-q", "card")
    await work.git("merge", "-q", "--allow-unrelated-histories", "-m", "join", "other")
    await work.git("push", "-q", "store", "card")
    head = await work.head()
    await work.git("rebase", "-q", "main")
    made = await rebase.rebase(storage, repo_id, tip, head, committer=ANN)
    ours = await storage.git(repo_id, ["rev-parse", f"{made}^{{tree}}"])
    assert ours.text == await work.head("HEAD^{tree}")


async def test_what_a_merge_on_the_branch_settled_is_not_lost_in_silence(
    storage, repo_id, work
) -> None:
    tip, _ = await fork(work, Case({"a": "1\n"}, (put(b="1"),), (put(c="1\n"),)))
    await work.git("checkout", "-q", "card")
    await work.git("merge", "-q", "--no-commit", "main")
    head = await work.commit({"only-in-the-merge": "1\n"}, "merge and more")
    await work.git("push", "-q", "store", "card")
    with pytest.raises(Conflict) as refused:
        await rebase.rebase(storage, repo_id, tip, head, committer=ANN)
    assert refused.value.code == "rebase_differs"


ATTRIBUTES = {
    ".gitattributes": (
        "[attr]mine text -diff\n* text=auto\n*.bin -text\n/only-here x\n# no\n a b c\n"
        '"two words" quoted\n'
    ),
    "docs/.gitattributes": (
        "[attr]not-here text\n!*.md no\n*.txt one\n/top.txt two\ndeep/*.txt three\n**/x.txt four\n"
        'deep/** five\n"sp ace.txt" six\n*.bin mine\nfold/ seven\n\\*.txt star\n'
        '"tab\\tname" tab\n'
    ),
    "docs/deep/.gitattributes": "*.txt -one !three\n?.txt q\n[ab].txt class\n",
    "we[i]rd *dir/.gitattributes": "\ufeff*.txt weird\r\n",
    'qu"o\\te/.gitattributes': "*.txt quote\n",
    "empty/.gitattributes": "",
}
NAMES = (
    "a", "a.txt", "x.bin", "only-here", "docs/only-here", "two words", "docs/a.txt", "docs/top.txt",
    "docs/deep/top.txt", "docs/deep/a.txt", "docs/deep/x.txt", "docs/x.txt", "docs/deep/er/b.txt",
    "docs/deep/er/x.txt", "docs/sp ace.txt", "docs/deep/sp ace.txt", "docs/a.bin", "docs/fold/in.txt",
    "docs/*.txt", "docs/tab\tname", "we[i]rd *dir/a.txt", "weird xdir/a.txt", "wei/a.txt",
    'qu"o\\te/a.txt', "not/docs/a.txt", "docs/a.md",
)  # fmt: skip


async def test_attributes_in_folders_hold_as_in_a_work_tree(storage, repo_id, work) -> None:
    commit = await work.commit({**ATTRIBUTES, **dict.fromkeys(NAMES, "1\n")})
    await work.git("push", "-q", "store", "main")
    flat = work.folder.parent / "flat"
    flat.write_bytes(await attributes_of(storage, repo_id, commit))
    expected = await work.git("check-attr", "-a", "-z", "--", *NAMES)
    found = await storage.git(
        repo_id, ["-c", f"core.attributesFile={flat}", "check-attr", "-a", "-z", "--", *NAMES]
    )
    assert as_facts(found.stdout) == as_facts(expected.stdout)
    assert len(as_facts(found.stdout)) > 40


def as_facts(said: bytes) -> set[tuple[bytes, ...]]:
    fields = said.split(b"\0")
    return {tuple(fields[n : n + 3]) for n in range(0, len(fields) - 1, 3)}
