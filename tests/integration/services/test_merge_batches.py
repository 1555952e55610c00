"""Approved cards that have nothing to do with each other are tried by one run and merged together."""

from __future__ import annotations

import pytest

from factories.checked import Checked
from factories.scene import Scene
from lazyaf.domain.events import PERSON
from lazyaf.domain.jobs import StopReason
from lazyaf.domain.repo_settings import CONFIG_PATH, MergeMethod
from lazyaf.git import merge, refs
from lazyaf.services.queue_merge import withdraw_merge
from lazyaf.services.show_checks import checks_of_card

Card = tuple[str, str]


@pytest.fixture
def checked(scene: Scene) -> Checked:
    return Checked(scene)


async def passed(checked: Checked, repo: str, *files: dict[str, str]) -> list[Card]:
    """Cards in review with these files that have passed on a tip that is the base's no more."""
    cards = [await checked.passed(repo, its) for its in files]
    await checked.scene.push(repo, "main", {"moved-on.txt": "1\n"})
    await checked.settled()
    return cards


def files(*names: str) -> list[dict[str, str]]:
    return [{f"{name}.txt": f"{name}\n"} for name in names]


async def first_parents(scene: Scene, repo: str, since: str) -> list[str]:
    """The commits that the base branch has got, oldest first."""
    sha, found = await scene.tip(repo, "main") or "", list[str]()
    while sha != since:
        found.insert(0, sha)
        sha = (await refs.parents(scene.ctx.git, repo, sha))[0]
    return found


async def statuses(scene: Scene, cards: list[Card]) -> list[str]:
    return [(await scene.shown(card))["status"] for card, _ in cards]


async def test_three_independent_cards_land_with_one_run_in_the_order_of_their_approvals(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo()
    cards = await passed(checked, repo, *files("one", "two", "three"))
    base = await scene.tip(repo, "main") or ""
    in_turn, methods = [cards[2], cards[0], cards[1]], list(MergeMethod)
    await checked.approve_at_once(repo, in_turn, *methods)
    job = await checked.claim()
    assert await checked.is_idle()
    assert await checked.tried(job) == [3, 1, 2]
    told = [(await scene.shown(card))["merge_state"] for card, _ in in_turn]
    assert {state["state"] for state in told} == {"checking"}
    assert {state["job_id"] for state in told} == {job.job_id}
    assert [state["together"] for state in told] == [[1, 2], [3, 2], [3, 1]]
    assert await scene.tip(repo, "main") == base
    await checked.end(job)
    rows = [await scene.card_row(card) for card, _ in in_turn]
    assert {row.status for row in rows} == {"done"}
    assert [row.merged_sha for row in rows] == await first_parents(scene, repo, base)
    tip = await scene.tip(repo, "main") or ""
    trees = [await merge.tree_of(scene.ctx.git, repo, sha) for sha in (tip, job.base_sha)]
    assert trees[0] == trees[1]
    made = [len(await refs.parents(scene.ctx.git, repo, row.merged_sha or "")) for row in rows]
    assert made == [2 if method is MergeMethod.MERGE else 1 for method in methods]
    assert (await scene.event_types()).count("branch.merged") == 3
    assert await checked.is_idle()


async def test_what_a_run_tried_is_told_of_each_of_its_cards(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo()
    cards = await passed(checked, repo, *files("one", "two"))
    await checked.approve_at_once(repo, cards)
    job = await checked.claim()
    for (card, head), other in zip(cards, (2, 1), strict=True):
        newest, alone = await scene.db.read(checks_of_card, card)
        assert (newest["job_id"], newest["card_id"]) == (job.job_id, card)
        assert (newest["head_sha"], newest["together"]) == (head, [other])
        assert (alone["state"], alone["together"]) == ("passed", [])
        assert (await scene.shown(card))["checks"]["job_id"] == alone["job_id"]


async def test_those_that_wait_behind_a_run_are_tried_together_after_it(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo()
    cards = await passed(checked, repo, *files(*"abcd"))
    await checked.approve_at_once(repo, cards[:1])
    alone = await checked.claim()
    await checked.approve_at_once(repo, cards[1:])
    assert await checked.is_idle()
    assert (await scene.shown(cards[3][0]))["merge_state"]["state"] == "queued"
    await checked.end(alone)
    assert await checked.judge_all(repo) == [([2, 3, 4], True)]
    assert await statuses(scene, cards) == ["done"] * 4


async def test_no_more_than_eight_are_tried_together(scene: Scene, checked: Checked) -> None:
    repo = await checked.repo()
    cards = await passed(checked, repo, *files(*"abcdefghij"))
    await checked.approve_at_once(repo, cards)
    job = await checked.claim()
    assert await checked.tried(job) == [1, 2, 3, 4, 5, 6, 7, 8]
    await checked.end(job)
    assert await checked.judge_all(repo) == [([9, 10], True)]
    assert await statuses(scene, cards) == ["done"] * 10


BISECTED = {
    "a": [([1, 2], False), ([1], False), ([2, 3, 4, 5], True)],
    "c": [([1, 2], True), ([3], False), ([4, 5], True)],
    "e": [([1, 2], True), ([3], True), ([4], True), ([5], False)],
}


@pytest.mark.parametrize("bad", list(BISECTED))
async def test_only_the_bad_one_of_a_batch_is_bounced(
    scene: Scene, checked: Checked, bad: str
) -> None:
    repo = await checked.repo()
    cards = await passed(checked, repo, *files(*"abcde"))
    await checked.approve_at_once(repo, cards)
    whole = await checked.claim()
    assert await checked.tried(whole) == [1, 2, 3, 4, 5]
    await checked.end(whole, "tests")
    assert await checked.judge_all(repo, f"{bad}.txt") == BISECTED[bad]
    at = "abcde".index(bad)
    assert await statuses(scene, cards) == ["done"] * at + ["in_review"] + ["done"] * (4 - at)
    state = (await scene.shown(cards[at][0]))["merge_state"]
    assert (state["state"], state["reason"]) == ("bounced", "checks_failed")
    tip = await scene.tip(repo, "main") or ""
    assert not await refs.is_ancestor(scene.ctx.git, repo, cards[at][1], tip)


async def test_what_fails_together_is_told_against_no_card(scene: Scene, checked: Checked) -> None:
    repo = await checked.repo(fix_rounds=1)
    cards = await passed(checked, repo, *files("one", "two"))
    await checked.approve_at_once(repo, cards)
    await checked.end(await checked.claim(), "tests")
    shown = [await scene.shown(card) for card, _ in cards]
    assert [card["checks"]["state"] for card in shown] == ["queued", "passed"]
    assert [card["merge_state"]["state"] for card in shown] == ["checking", "queued"]
    assert [card["merge_state"]["together"] for card in shown] == [[], []]
    assert [card["status"] for card in shown] == ["in_review"] * 2


async def test_two_that_pass_alone_and_not_together_are_not_both_merged(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo()
    cards = await passed(checked, repo, *files("one", "two"))
    await checked.approve_at_once(repo, cards)
    await checked.end(await checked.claim(), "tests")
    await checked.end(await checked.claim())
    await checked.end(await checked.claim(), "tests")
    assert await statuses(scene, cards) == ["done", "in_review"]


async def alone(scene: Scene, checked: Checked, repo: str, cards: list[Card]) -> list[int]:
    """Whom the first run tries when these are approved at once."""
    await checked.approve_at_once(repo, cards)
    return await checked.tried(await checked.claim())


async def test_cards_that_touch_the_same_file_are_not_tried_together(
    scene: Scene, checked: Checked
) -> None:
    """Not even where git can merge them."""
    repo = await checked.repo()
    above = {"readme.md": "1\n\ntwo\n\nthree\n"}
    below = {"readme.md": "one\n\ntwo\n\n3\n"}
    cards = await passed(checked, repo, *files("one"), above, below)
    await checked.approve_at_once(repo, [cards[1], cards[0], cards[2]])
    assert await checked.judge_all(repo) == [([2, 1], True), ([3], True)]
    assert await statuses(scene, cards) == ["done"] * 3


async def test_who_cannot_be_merged_as_approved_does_not_keep_those_before_it(
    scene: Scene, checked: Checked
) -> None:
    """Its own first commit does not apply any more; only merging settled that."""
    repo = await checked.repo()
    card, job = await scene.working(repo)
    first = await scene.work(job, {"app.py": "2\n"})
    base = await scene.push(repo, "main", {"app.py": "3\n"})
    settled = scene.commit(repo, {"app.py": "both\n"}, [first, base])
    await scene.set_ref(repo, f"{job.push_prefix}head", settled)
    await scene.finish(job, head_sha=settled)
    await checked.settled()
    await checked.judge_all(repo)
    cards = await passed(checked, repo, *files("one", "two", "three"))
    merge, rebase = MergeMethod.MERGE, MergeMethod.REBASE
    in_turn = [cards[0], cards[1], (card, settled), cards[2]]
    await checked.approve_at_once(repo, in_turn, merge, merge, rebase, merge)
    assert await checked.judge_all(repo) == [([2, 3], True), ([4], True)]
    assert (await scene.shown(card))["merge_state"]["reason"] == "rebase_conflict"


async def test_who_changes_what_is_checked_is_tried_by_itself(
    scene: Scene, checked: Checked
) -> None:
    """Those behind it have to pass what it says."""
    repo = await checked.repo()
    config = '[[checks]]\nname = "lint"\nrun = "make lint"\n'
    cards = await passed(checked, repo, {CONFIG_PATH: config}, *files("one", "two"))
    await checked.approve_at_once(repo, cards)
    assert await checked.judge_all(repo) == [([1], True), ([2, 3], True)]
    last = await scene.db.read(checks_of_card, cards[2][0])
    assert [check["name"] for check in last[0]["checks"]] == ["lint"]


async def test_cards_of_different_base_branches_are_not_tried_together(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo()
    await scene.push(
        repo, "next", {"next.txt": "1\n"}, parents=[await scene.tip(repo, "main") or ""]
    )
    cards = await passed(checked, repo, *files("one"))
    other = await scene.in_review(repo, {"two.txt": "2\n"}, base_branch="next")
    await checked.settled()
    await checked.end(await checked.claim())
    assert await alone(scene, checked, repo, [cards[0], other]) == [1]


async def test_what_failed_by_itself_is_not_tried_with_others(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo()
    bad = await checked.in_review(repo, {"bad.txt": "1\n"})
    await checked.end(await checked.claim(), "tests")
    good = await passed(checked, repo, *files("one", "two"))
    await checked.approve_at_once(repo, [good[0], bad, good[1]])
    verdicts = await checked.judge_all(repo, "bad.txt")
    assert verdicts == [([2], True), ([1], False), ([3], True)]


async def test_no_tree_that_failed_is_merged_on_the_way_to_another(
    scene: Scene, checked: Checked
) -> None:
    """A run of the first two failed. Approved anew they are under no suspicion; with a third behind them what
    failed would be among what is merged."""
    repo = await checked.repo()
    cards = await passed(checked, repo, *files("one", "two", "three"))
    await checked.approve_at_once(repo, cards[:2])
    await checked.end(await checked.claim(), "tests")
    for card, _ in cards[:2]:
        await withdraw_merge(scene.ctx, card, PERSON)
    await checked.settled()
    while (job := await scene.claim(await scene.runner())) is not None:
        await scene.finish(job, StopReason.CANCELLED)
        await checked.settled()
    assert await alone(scene, checked, repo, cards) == [1]
