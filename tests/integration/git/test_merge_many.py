"""Many merges by one child, and which pairs need one at all."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from lazyaf.git import merge
from lazyaf.git.footprints import footprints, overlapping
from lazyaf.git.merge import Mergeability
from lazyaf.git.merge_many import merge_pairs, mergeabilities
from lazyaf.git.storage import Storage

TEXT = "".join(f"line {n}\n" for n in range(30))
BASE = {"a": TEXT, "b": TEXT, "dir/one": TEXT, "dir/two": TEXT + "2\n", "odd ä\n": TEXT}


async def branches(work, *changes: dict[str, str | None]) -> tuple[str, list[str]]:
    """A base, and a branch from it for each set of changes; their tips."""
    base = await work.commit(dict(BASE), "base")
    heads = []
    for number, files in enumerate(changes):
        await work.git("checkout", "-q", "-b", f"card-{number}", base)
        heads.append(await work.commit(dict(files)))
    await work.git("push", "-q", "store", "--all")
    return base, heads


def without(storage: Storage, repo_id: str) -> None:
    """Take the repository's objects away: nothing more can be computed."""
    path = storage.path(repo_id)
    (path / "objects").rename(path / "elsewhere")
    (path / "objects").mkdir()


async def test_a_batch_says_what_each_merge_alone_says_and_leaves_no_objects(
    storage, repo_id, work
) -> None:
    base, heads = await branches(
        work,
        {"a": TEXT.replace("line 3\n", "mine\n")},
        {"a": TEXT.replace("line 3\n", "yours\n"), "b": None},
        {"odd ä\n": "else\n", "dir/one": None, "dir/three": TEXT},
    )
    await work.git("checkout", "-q", "main")
    changed = {"a": TEXT.replace("line 3\n", "main\n"), "odd ä\n": "main\n", "b": TEXT + "x\n"}
    tip = await work.commit(changed)
    await work.git("push", "-q", "store", "main")
    alone = {}
    for head in (*heads, base):
        async with storage.shared(repo_id) as path:
            with storage.temporary() as folder:
                aside = merge.objects_aside(folder, path)
                attributes = await merge.write_attributes(storage, repo_id, tip, folder)
                found = await merge.merge_tree(storage, repo_id, attributes, tip, head, aside)
                alone[head] = Mergeability(found.clean, found.files)
    before = sorted((storage.path(repo_id) / "objects").rglob("*"))

    found = await mergeabilities(storage, repo_id, tip, [*heads, base])

    assert found == alone
    assert [answer.files for answer in found.values()] == [["a"], ["a", "b"], ["odd ä\n"], []]
    assert sorted((storage.path(repo_id) / "objects").rglob("*")) == before


async def test_commits_without_a_common_history_spoil_no_batch(storage, repo_id, work) -> None:
    base, heads = await branches(work, {"a": "mine\n"}, {"a": "yours\n"})
    await work.git("checkout", "-q", "--orphan", "alone")
    alone = await work.commit({"c": "1\n"})
    await work.git("push", "-q", "store", "alone")

    found = await mergeabilities(storage, repo_id, heads[0], [alone, heads[1], base])

    assert found[alone] == Mergeability(False, [])
    assert found[heads[1]] == Mergeability(False, ["a"])
    assert found[base] == Mergeability(True, [])


async def test_the_rules_of_one_commit_count_for_all_pairs(storage, repo_id, work) -> None:
    _, heads = await branches(work, {"log": "one\n"}, {"log": "two\n"})
    pair = (heads[0], heads[1])
    await work.git("checkout", "-q", "main")
    plain = await work.head()
    union = await work.commit({".gitattributes": "log merge=union\n"})
    await work.git("push", "-q", "store", "main")

    assert (await merge_pairs(storage, repo_id, plain, [pair]))[pair].files == ["log"]
    assert (await merge_pairs(storage, repo_id, union, [pair]))[pair].clean


async def test_a_head_is_merged_once_for_each_base_and_a_footprint_outlives_a_base(
    storage, repo_id, work
) -> None:
    base, heads = await branches(work, {"a": "mine\n"}, {"b": None, "c/d": "new\n"})
    await work.git("checkout", "-q", "main")
    tip = await work.commit({"z": "elsewhere\n"})
    await work.git("push", "-q", "store", "main")
    first = await mergeabilities(storage, repo_id, base, heads)
    prints = await footprints(storage, repo_id, base, heads)
    assert set(prints[heads[1]].touched) == {b"b", b"c/d"}
    forks = await footprints(storage, repo_id, tip, heads)

    assert forks == prints  # the base moved on; where the branches left it did not
    without(storage, repo_id)
    assert await mergeabilities(storage, repo_id, base, heads) == first


OVERLAPS = {
    "the same file": ({"a": "1\n"}, {"a": "2\n"}, True),
    "the same change": ({"a": "1\n"}, {"a": "1\n", "b": "2\n"}, False),
    "other files": ({"a": "1\n"}, {"b": "2\n"}, False),
    "both renamed": ({"a": None, "x": TEXT}, {"a": None, "y": TEXT}, True),
    "a file for a directory": ({"new": "1\n"}, {"new/file": "2\n"}, True),
    "into a directory that moves away": (
        {"dir/one": None, "dir/two": None, "far/one": TEXT, "far/two": TEXT + "2\n"},
        {"dir/new": "1\n"},
        True,
    ),
}


@pytest.mark.parametrize("kind", OVERLAPS)
async def test_only_what_overlaps_is_a_pair(storage, repo_id, work, kind: str) -> None:
    one, other, overlaps = OVERLAPS[kind]
    base, heads = await branches(work, one, other)
    found = await footprints(storage, repo_id, base, heads)
    assert overlapping(found) == ({frozenset(heads)} if overlaps else set())


@pytest.mark.parametrize("seed", range(3))
async def test_no_pair_that_conflicts_is_passed_over(storage, repo_id, work, seed: int) -> None:
    """Whatever the branches do (edit, add, remove, move files and directories)."""
    dice = random.Random(seed)
    base, heads = await branches(work, *(changes(dice) for _ in range(12)))
    pairs = list(combinations(heads, 2))
    merged = await merge_pairs(storage, repo_id, base, pairs)
    found = overlapping(await footprints(storage, repo_id, base, heads))

    conflicting = {frozenset(pair) for pair, answer in merged.items() if not answer.clean}
    assert conflicting
    assert conflicting <= found
    assert len(found) < len(pairs)


def changes(dice: random.Random) -> dict[str, str | None]:
    """One or two things that a branch may do."""
    letter = dice.choice("xyz")
    kinds: list[dict[str, str | None]] = [
        {"a": TEXT.replace(f"line {dice.randrange(30)}\n", f"{letter}\n")},
        {"b": None},
        {"b": None, letter: TEXT},
        {f"{letter}": f"{dice.random()}\n"},
        {f"{letter}/{dice.choice('pq')}": f"{dice.random()}\n"},
        {"dir/one": None, "dir/two": None, f"{letter}{letter}/one": TEXT, "k/two": TEXT + "2\n"},
        {f"dir/{letter}": "new\n"},
        {f"own-{dice.random()}": "1\n"},
    ]
    one, other = dice.choice(kinds), dice.choice(kinds)
    tops = [{path.partition("/")[0] for path in each} for each in (one, other)]
    return one if tops[0] & tops[1] else {**one, **other}
