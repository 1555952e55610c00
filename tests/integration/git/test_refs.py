"""Refs: found, moved and listed."""

from __future__ import annotations

import asyncio

import pytest

from lazyaf.domain.errors import BranchMoved, Conflict, GitFailed, Invalid, NotFound
from lazyaf.git import refs
from lazyaf.git.pktline import ZERO
from lazyaf.git.refs import RefUpdate

MAIN = "refs/heads/main"


async def test_names_and_ids_resolve_to_commits(storage, repo_id, work) -> None:
    head = await work.commit({"a": "0"})
    await work.git("tag", "-a", "v1", "-m", "one")
    await work.git("push", "-q", "store", "main", "main:a/b", "v1", f"{head}:refs/lazyaf/x")
    for name in ("main", MAIN, "HEAD", "a/b", "v1", "refs/tags/v1", "refs/lazyaf/x", head):
        assert await refs.resolve(storage, repo_id, name) == head
    blob = await work.head("HEAD:a")
    for name in ("gone", "main~0", "-x", "", "a b", "x\0y", head[:8], "1" * 40, blob, "refs/x"):
        assert await refs.resolve(storage, repo_id, name) is None
    with pytest.raises(NotFound):
        await refs.resolve(storage, repo_id[:-1] + "9", "main")


async def test_refs_move_by_compare_and_set(storage, repo_id, work) -> None:
    first = await work.commit({"a": "0"})
    second = await work.commit({"a": "1"})
    await work.git("push", "-q", "store", "main:seen")

    async def move(new: str | None, old: str | None) -> None:
        await refs.update(storage, repo_id, [RefUpdate(MAIN, new, old)])

    await move(first, ZERO)
    with pytest.raises(BranchMoved):
        await move(second, ZERO)
    with pytest.raises(BranchMoved):
        await move(first, second)
    await move(second, first)
    await move(second, second)  # only verifies
    with pytest.raises(BranchMoved):
        await move(None, first)
    await move(None, second)
    assert await refs.resolve(storage, repo_id, "main") is None
    with pytest.raises(BranchMoved):
        await move(second, first)
    with pytest.raises(BranchMoved):
        await move(second, second)
    await move(first, None)
    assert await refs.resolve(storage, repo_id, "main") == first


async def test_a_transaction_moves_all_or_none(storage, repo_id, work) -> None:
    first = await work.commit({"a": "0"})
    second = await work.commit({"a": "1"})
    await work.git("push", "-q", "store", f"{first}:{MAIN}", f"{second}:refs/heads/card")
    updates = [
        RefUpdate(MAIN, second, first),
        RefUpdate("refs/heads/card", first, first),
        RefUpdate("refs/heads/new", second, ZERO),
    ]
    with pytest.raises(BranchMoved):
        await refs.update(storage, repo_id, updates)
    assert await refs.resolve(storage, repo_id, "main") == first
    updates[1] = RefUpdate("refs/heads/card", second, second)
    await refs.update(storage, repo_id, updates)
    assert await refs.resolve(storage, repo_id, "new") == second


async def test_a_race_of_updates_has_one_winner(storage, repo_id, work) -> None:
    first = await work.commit({"a": "0"})
    rivals = [await work.commit({"a": f"{n}"}) for n in range(1, 9)]
    await work.git("push", "-q", "store", f"{first}:{MAIN}", "HEAD:refs/heads/keep")
    ended = await asyncio.gather(
        *(refs.update(storage, repo_id, [RefUpdate(MAIN, sha, first)]) for sha in rivals),
        return_exceptions=True,
    )
    winners = [sha for sha, done in zip(rivals, ended, strict=True) if done is None]
    assert winners == [await refs.resolve(storage, repo_id, "main")]
    assert {type(done) for done in ended if done is not None} == {BranchMoved}


async def test_updates_that_make_no_sense_are_refused(storage, repo_id, work) -> None:
    head = await work.commit({"a": "0"})
    await work.git("push", "-q", "store", "main")
    for ref, new in (("main", head), (f"{MAIN}\0x", head), (MAIN, "main"), (MAIN, head[:8])):
        with pytest.raises(Invalid):
            await refs.update(storage, repo_id, [RefUpdate(ref, new, None)])
    with pytest.raises(Conflict) as blocked:
        await refs.update(storage, repo_id, [RefUpdate(f"{MAIN}/x", head, ZERO)])
    assert blocked.value.code == "ref_blocked"
    with pytest.raises(GitFailed):
        await refs.update(storage, repo_id, [RefUpdate("refs/heads/x", "1" * 40, ZERO)])


async def test_branches_are_compared_with_the_default_one(storage, repo_id, work) -> None:
    base = await work.commit({"a": "0"}, "Begin\n\nat the beginning")
    await work.git("branch", "merged")
    await work.git("checkout", "-q", "-b", "lazyaf/1-topic")
    for n in range(2):
        await work.commit({"b": f"{n}"})
    await work.git("checkout", "-q", "main")
    tip = await work.commit({"a": "1"}, "Go on")
    await work.git("push", "-q", "store", "--all")
    await work.git("push", "-q", "store", f"{base}:refs/lazyaf/jobs/1/1/head")
    found, more = await refs.list_branches(storage, repo_id, "main")
    listed = {b.name: b for b in found}
    assert not more
    assert list(listed) == ["lazyaf/1-topic", "main", "merged"]
    facts = {name: (b.ahead, b.behind, b.merged) for name, b in listed.items()}
    assert facts == {
        "lazyaf/1-topic": (2, 1, False),
        "main": (0, 0, False),
        "merged": (0, 1, True),
    }
    assert (listed["main"].sha, listed["main"].subject, listed["main"].author) == (
        tip,
        "Go on",
        "LazyAF",
    )
    assert listed["merged"].subject == "Begin"
    assert listed["main"].committed_at.endswith("Z")
    unborn, _ = await refs.list_branches(storage, repo_id, "gone")
    assert not any(b.merged or b.ahead for b in unborn)


async def test_branches_come_in_pages_and_one_without_a_commit_is_passed_over(
    storage, repo_id, work
) -> None:
    await work.commit({"a": "0"})
    names = [f"b{n:02}" for n in range(7)]
    await work.git("push", "-q", "store", "main", *(f"main:{name}" for name in names))
    await storage.git(repo_id, ["symbolic-ref", "refs/heads/b03x", "refs/heads/gone"])
    found, after, more = [], None, True
    while more:
        page, more = await refs.list_branches(storage, repo_id, "main", after=after, limit=3)
        assert page
        found += [branch.name for branch in page]
        after = found[-1]
    assert found == [*names, "main"]


async def test_distances_are_those_that_git_counts(storage, repo_id, work) -> None:
    """A history with merges both ways, two merge bases, and a root of its own."""
    await work.commit({"a": "0"})
    await work.git("branch", "old")
    for name in ("one", "two"):
        await work.git("checkout", "-q", "-b", name, "main")
        for n in range(3):
            await work.commit({name: f"{n}"})
    await work.git("merge", "-q", "-m", "m", "one~1")
    await work.git("checkout", "-q", "one")
    await work.git("merge", "-q", "-m", "m", "two~1")  # crosswise: two merge bases
    await work.git("checkout", "-q", "main")
    await work.commit({"a": "1"})
    await work.git("merge", "-q", "-m", "m", "two")
    await work.git("checkout", "-q", "--orphan", "other")
    await work.commit({"z": "0"})
    await work.git("branch", "same", "main")
    await work.git("push", "-q", "store", "--all")
    found, _ = await refs.list_branches(storage, repo_id, "main")
    counted = {}
    for branch in found:
        sides = await work.git("rev-list", "--left-right", "--count", f"{branch.name}...main")
        counted[branch.name] = tuple(map(int, sides.text.split()))
    assert {b.name: (b.ahead, b.behind) for b in found} == counted
    merged = (await work.git("branch", "--format=%(refname:short)", "--merged", "main")).text
    assert {b.name for b in found if b.merged} == {*merged.split()} - {"main"}


async def test_names_and_words_of_any_bytes_are_listed(storage, repo_id, work) -> None:
    await work.commit({"a": "0"})
    odd = b"gr\xf6\xdfe"
    await work.git("-c", "i18n.commitEncoding=latin1", "commit", "-q", "--allow-empty", "-F",
                   str(_write(work.folder.parent / "message", odd)))  # fmt: skip
    head = await work.head()
    await work.git("push", "-q", "store", "main")
    script = b"create refs/heads/" + odd + b" " + head.encode() + b"\n"
    await storage.git(repo_id, ["update-ref", "--stdin"], stdin=script)
    listed, _ = await refs.list_branches(storage, repo_id, "main")
    assert [b.name for b in listed] == ["gr\ufffd\ufffde", "main"]
    assert listed[0].subject == "gr\ufffd\ufffde"


def _write(path, content: bytes):
    path.write_bytes(content)
    return path


async def test_ancestors(storage, repo_id, work) -> None:
    first = await work.commit({"a": "0"})
    second = await work.commit({"a": "1"})
    await work.git("push", "-q", "store", "main")
    assert await refs.is_ancestor(storage, repo_id, first, second)
    assert await refs.is_ancestor(storage, repo_id, first, first)
    assert not await refs.is_ancestor(storage, repo_id, second, first)


@pytest.mark.parametrize(
    ("branch", "prefix", "blocks"),
    [
        ("lazyaf", "lazyaf", True),
        ("lazyaf/1-x", "lazyaf", False),
        ("lazy", "lazyaf", False),
        ("team", "team/bots", True),
        ("team/bots", "team/bots/", True),
    ],
)
async def test_a_branch_may_stand_in_the_way(
    storage, repo_id, work, branch: str, prefix: str, blocks: bool
) -> None:
    await work.commit({"a": "0"})
    await work.git("push", "-q", "store", f"main:refs/heads/{branch}")
    tips = await refs.tips(storage, repo_id, refs.blockers(prefix))
    assert bool(tips) is blocks


async def test_tips_are_those_of_full_refs_only(storage, repo_id, work) -> None:
    sha = await work.commit({"a": "0"})
    await work.git("push", "-q", "store", "main", "main:refs/heads/refs/heads/odd")
    names = ["refs/heads/main", "refs/heads/odd", "main", "refs/heads/a..b", "refs/heads/"]
    assert await refs.tips(storage, repo_id, names) == {"refs/heads/main": sha}


def test_times_that_no_calendar_has_do_not_break_a_list() -> None:
    assert refs.iso(0) == "1970-01-01T00:00:00Z"
    assert refs.iso(2**62) == "1970-01-01T00:00:00Z"
