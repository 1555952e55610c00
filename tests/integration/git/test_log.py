"""The history, page by page."""

from __future__ import annotations

import pytest

from lazyaf.domain.errors import BadRequest, NotFound
from lazyaf.git import command, log


async def history(work) -> None:
    """main - side - merge, and a branch beside it."""
    await work.commit({"a": "0"}, "base")
    await work.git("checkout", "-q", "-b", "side")
    await work.commit({"b": "0"}, "side")
    await work.git("checkout", "-q", "main")
    await work.commit({"a": "1"}, "main")
    await work.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    await work.git("checkout", "-q", "-b", "beside", "main~1")
    await work.commit({"c": "0"}, "beside")
    await work.git("tag", "v1", "main")
    await work.git("push", "-q", "store", "--all")
    await work.git("push", "-q", "store", "v1")


async def pages(storage, repo_id, ref, limit: int) -> list[log.Commit]:
    items, cursor = [], None
    while True:
        page = await log.commits(storage, repo_id, ref, cursor, limit)
        items += page.items
        cursor = page.next_cursor
        if cursor is None:
            return items
        assert len(page.items) == limit


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_pages_fit_together_with_children_first(storage, repo_id, work, limit) -> None:
    await history(work)
    items = await pages(storage, repo_id, "main", limit)
    assert sorted(c.subject for c in items) == ["base", "main", "merge", "side"]
    everything = await pages(storage, repo_id, None, limit)
    assert len(everything) == 5
    for listed in (items, everything):
        at = {c.sha: n for n, c in enumerate(listed)}
        assert all(at[c.sha] < at[parent] for c in listed for parent in c.parents)


async def test_a_commit_says_who_when_and_what_points_at_it(storage, repo_id, work) -> None:
    await history(work)
    merge = (await pages(storage, repo_id, "main", 10))[0]
    assert merge.refs == ["refs/heads/main", "refs/tags/v1"]
    assert len(merge.parents) == 2
    assert (merge.author_name, merge.author_email) == ("LazyAF", "lazyaf@localhost")
    assert merge.committed_at.endswith("Z")


async def test_a_cursor_keeps_to_its_tips_while_the_branch_moves(storage, repo_id, work) -> None:
    await history(work)
    page = await log.commits(storage, repo_id, "main", None, 2)
    await work.git("checkout", "-q", "main")
    await work.commit({"a": "2"}, "later")
    await work.git("push", "-q", "store", "main")
    rest = await log.commits(storage, repo_id, "main", page.next_cursor, 10)
    assert len(page.items) + len(rest.items) == 4
    assert "later" not in {c.subject for c in page.items + rest.items}


async def test_what_is_not_there(storage, repo_id) -> None:
    assert await log.commits(storage, repo_id, None, None, 5) == log.CommitPage([], None)
    with pytest.raises(NotFound):
        await log.commits(storage, repo_id, "main", None, 5)
    for cursor in ("", "x", "!!!!", "AAAA", "A" * 9_000):
        with pytest.raises(BadRequest):
            await log.commits(storage, repo_id, None, cursor, 5)


async def test_a_cursor_outlives_its_branch_but_not_its_commits(storage, repo_id, work) -> None:
    await history(work)
    page = await log.commits(storage, repo_id, "beside", None, 1)
    await work.git("push", "-q", "store", ":beside")
    rest = await log.commits(storage, repo_id, None, page.next_cursor, 10)
    assert len(page.items) + len(rest.items) == 3
    async with storage.exclusive(repo_id):
        await storage.git(repo_id, ["prune", "--expire=now"])
    with pytest.raises(BadRequest, match="gone"):
        await log.commits(storage, repo_id, None, page.next_cursor, 10)


async def test_a_ref_that_leads_nowhere_is_passed_over(storage, repo_id, work) -> None:
    await history(work)
    await storage.git(repo_id, ["symbolic-ref", "refs/heads/alias", "refs/heads/gone"])
    newest = (await pages(storage, repo_id, "main", 10))[0]
    assert "refs/heads/alias" not in newest.refs


def woven(count: int, roots: int) -> bytes:
    """A history for fast-import: several roots, branches that part and merge, also many at once.

    Every second all of them commit, so that dates decide nothing.
    """
    stream, tips = [], dict[int, int]()
    for mark in range(1, count + 1):
        lane = mark % 7
        parents = [tips.get(lane, mark - 1)] if mark > roots else []
        if mark > roots and mark % 5 == 0:
            parents += [
                tips[(lane + n) % 7] for n in range(1, 2 + mark % 3) if (lane + n) % 7 in tips
            ]
        said = b"commit %d" % mark
        stream.append(
            b"commit refs/heads/lane%d\nmark :%d\ncommitter A <a@b> %d +0000\ndata %d\n%s\n"
            % (lane, mark, 1_600_000_000 + mark // 7, len(said), said)
        )
        if not parents:
            stream.append(b"deleteall\n")
        for word, parent in zip([b"from", *[b"merge"] * 9], dict.fromkeys(parents), strict=False):
            stream.append(b"%s :%d\n" % (word, parent))
        stream.append(b"M 100644 inline f%d\ndata 1\nx\n\n" % (mark % 50))
        tips[lane] = mark
    return b"".join(stream)


async def topology(work, *tips: str) -> list[tuple[str, list[str]]]:
    listed = await work.git("rev-list", "--topo-order", "--parents", *tips)
    return [(words[0], words[1:]) for words in map(str.split, listed.text.splitlines())]


@pytest.mark.parametrize(("count", "roots", "limit"), [(120, 7, 1), (400, 1, 7), (10_000, 3, 500)])
async def test_the_graph_is_gits_own_also_when_it_gets_an_index_between_two_pages(
    storage, repo_id, work, count: int, roots: int, limit: int
) -> None:
    await work.git("init", "-q")
    await command.run(
        ["fast-import", "--quiet", "--force"], cwd=work.folder, stdin=woven(count, roots)
    )
    await work.git("push", "-q", "store", "--all")
    tips = sorted(set((await work.git("for-each-ref", "--format=%(objectname)")).text.split()))
    expected = await topology(work, *tips)
    assert len(expected) == count
    assert sum(not parents for _, parents in expected) >= roots
    assert any(len(parents) > 2 for _, parents in expected)
    first = await log.commits(storage, repo_id, None, None, limit)
    # From here on git walks another way, by generation numbers.
    await storage.git(repo_id, ["commit-graph", "write", "--reachable"])
    found, cursor = list(first.items), first.next_cursor
    while cursor is not None:
        page = await log.commits(storage, repo_id, None, cursor, limit)
        found += page.items
        cursor = page.next_cursor
    assert [(commit.sha, commit.parents) for commit in found] == expected
