"""The history, page by page."""

from __future__ import annotations

import pytest

from lazyaf.domain.errors import BadRequest, NotFound
from lazyaf.git import log


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
