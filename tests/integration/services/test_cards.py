"""Cards by hand: making, editing, moving, deleting, approving, rejecting, and crashes in between (R8)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from factories.scene import BASE_FILES, Scene
from lazyaf.domain.cards import CardCommand, CardStatus
from lazyaf.domain.errors import (
    BranchMoved,
    Conflict,
    IllegalTransition,
    Invalid,
    MergeConflict,
    NotFound,
    VersionConflict,
)
from lazyaf.domain.events import PERSON
from lazyaf.domain.jobs import StopReason
from lazyaf.git import refs
from lazyaf.services import approve_card as approving
from lazyaf.services import finish_job as finishing
from lazyaf.services.append_log import announce_progress
from lazyaf.services.approve_card import approve_card
from lazyaf.services.cards import NewCard, create_card, delete_card, edit_card, place_card
from lazyaf.services.decide_card import reject_card, reopen_card
from lazyaf.services.recover import recover
from lazyaf.services.start_card import RunRequest
from lazyaf.store.board import BoardFilter, card_summary, list_summaries
from lazyaf.store.events import events_after
from lazyaf.store.intents import find_intent


class Crash(BaseException):
    """The end of the process, as far as a task can be told."""


class Stumble(Exception):
    """The same on the writer's thread, which passes on what a function raises."""


def crash(*_: Any, **__: Any) -> Any:
    raise Crash


def stumble(*_: Any, **__: Any) -> Any:
    raise Stumble


def crash_after(real: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def run(*args: Any, **kwargs: Any) -> Any:
        await real(*args, **kwargs)
        raise Crash

    return run


async def place(scene: Scene, card: str, *, before: str | None = None, after: str | None = None):
    return await scene.db.write(place_card, card, before, after, PERSON, scene.clock.now())


async def order(scene: Scene, repo: str) -> list[str]:
    text, _ = await scene.db.read(list_summaries, BoardFilter(repo_id=repo))
    return [card["id"] for card in json.loads(text)]


async def from_events(scene: Scene, kind: str) -> dict[str, dict[str, Any]]:
    """The newest summary of each card that the events have told."""
    told: dict[str, dict[str, Any]] = {}
    for row in await scene.db.read(events_after, 0, 100_000):
        data = json.loads(row.data)
        if row.type == "card.deleted":
            told.pop(data["id"], None)
        elif isinstance(data.get(kind), dict):
            told[data[kind]["id"]] = data[kind]
    return told


# Making and editing


async def test_a_new_card_has_the_next_number_and_the_top(scene: Scene) -> None:
    repo, other = await scene.repo(), await scene.repo()
    first, second = await scene.card(repo, " A "), await scene.card(repo)
    elsewhere = await scene.card(other)
    numbers = [(await scene.card_row(c)).number for c in (first, second, elsewhere)]
    assert numbers == [1, 2, 1]
    assert (await scene.card_row(first)).title == "A"
    assert await order(scene, repo) == [second, first]
    await scene.db.write(delete_card, second, PERSON)
    assert (await scene.card_row(await scene.card(repo))).number == 3


@pytest.mark.parametrize(
    ("title", "description"), [(" ", ""), ("a" * 201, ""), ("a", "é" * 40_000)]
)
async def test_a_text_has_its_limits(scene: Scene, title: str, description: str) -> None:
    repo = await scene.repo()
    with pytest.raises(Invalid):
        await scene.db.write(
            create_card, scene.new_id(), repo, NewCard(title, description), PERSON, "now"
        )


async def test_an_edit_names_the_version_it_saw(scene: Scene) -> None:
    card = await scene.card(await scene.repo())
    change = {"title": "New", "status": "done", "description": "Words"}
    edited = await scene.db.write(edit_card, card, change, 1, PERSON, scene.clock.now())
    shown = json.loads(edited.json)
    assert shown == edited.view
    assert (shown["title"], shown["status"], shown["version"]) == ("New", "todo", 2)
    assert shown["description"] == "Words"
    with pytest.raises(VersionConflict):
        await scene.db.write(edit_card, card, change, 1, PERSON, scene.clock.now())


# Moving


async def test_a_card_goes_between_its_neighbours(scene: Scene) -> None:
    repo = await scene.repo()
    c, b, a = [await scene.card(repo) for _ in range(3)]
    await place(scene, a, after=b, before=c)
    assert await order(scene, repo) == [b, a, c]
    await place(scene, a, after=c)
    assert await order(scene, repo) == [b, c, a]
    await place(scene, a, before=b)
    assert await order(scene, repo) == [a, b, c]


async def test_moving_into_the_same_gap_for_ever_respaces_and_tells_everyone(scene: Scene) -> None:
    repo = await scene.repo()
    bottom, top = await scene.card(repo), await scene.card(repo)
    moved, other = await scene.card(repo), await scene.card(repo)
    for _ in range(40):
        await place(scene, moved, after=top, before=bottom)
        assert await order(scene, repo) == [other, top, moved, bottom]
        await place(scene, other, after=top, before=moved)
        assert await order(scene, repo) == [top, other, moved, bottom]
        moved, other = other, moved
        await place(scene, other, before=top)
        assert (await order(scene, repo))[0] == other
    assert await from_events(scene, "card") == {
        card: await scene.db.read(card_summary, card) for card in await order(scene, repo)
    }


async def test_neighbours_in_another_order_are_a_conflict(scene: Scene) -> None:
    repo = await scene.repo()
    low, high, card = [await scene.card(repo) for _ in range(3)]
    with pytest.raises(Conflict, match="another order"):
        await place(scene, card, after=low, before=high)
    started = await scene.card(repo)
    await scene.start(started)
    with pytest.raises(Conflict, match="no longer in that column"):
        await place(scene, card, after=started)
    with pytest.raises(NotFound):
        await place(scene, card, after=scene.new_id())


# Deleting


async def test_a_card_with_an_open_job_is_not_deleted(scene: Scene) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    with pytest.raises(Conflict) as refused:
        await scene.db.write(delete_card, card, PERSON)
    assert refused.value.code == "job_open"
    head = await scene.work(job, {"a": "b"})
    await scene.finish(job, head_sha=head)
    await scene.db.write(delete_card, card, PERSON)
    with pytest.raises(NotFound):
        await scene.card_row(card)
    assert await scene.tip(repo, job.branch) == head  # nothing is lost


# Starting


async def test_two_starts_at_once_make_one_job(scene: Scene) -> None:
    card = await scene.card(await scene.repo())
    answers = await asyncio.gather(scene.start(card), scene.start(card), return_exceptions=True)
    [refused] = [a for a in answers if isinstance(a, BaseException)]
    assert isinstance(refused, IllegalTransition)
    assert refused.extra["allowed"] == ["cancel"]


async def test_nothing_starts_without_content_or_base(scene: Scene) -> None:
    card = await scene.card(await scene.empty_repo())
    with pytest.raises(Conflict) as refused:
        await scene.start(card)
    assert refused.value.code == "not_ingested"
    card = await scene.card(await scene.repo(), base_branch="nowhere")
    with pytest.raises(Conflict) as refused:
        await scene.start(card)
    assert refused.value.code == "no_base_branch"


async def test_a_branch_in_the_way_of_all_card_branches_is_passed_by(scene: Scene) -> None:
    """R16: a branch named `lazyaf` would block `lazyaf/1-…`."""
    repo = await scene.repo()
    await scene.push(repo, "lazyaf", {"a": "b"})
    card, head = await scene.in_review(repo)
    row = await scene.card_row(card)
    assert row.branch_name == "lazyaf-cards/1-fix-the-login"
    assert await scene.tip(repo, row.branch_name) == head


# Approving


async def test_approving_merges_what_was_seen(scene: Scene) -> None:
    repo = await scene.repo()
    card, head = await scene.in_review(repo, {"new.txt": "1"})
    base = await scene.tip(repo, "main")
    shown = await approve_card(scene.ctx, card, head, PERSON)
    merged = await scene.tip(repo, "main")
    assert (shown["status"], shown["merged_sha"]) == ("done", merged)
    assert merged is not None
    for ancestor in (base, head):
        assert ancestor is not None
        assert await refs.is_ancestor(scene.ctx.git, repo, ancestor, merged)
    types = [row.type for row in await scene.db.read(events_after, 0, 1000)]
    assert types[-2:] == ["card.moved", "branch.merged"]
    assert await scene.db.read(find_intent, card) is None
    with pytest.raises(IllegalTransition):
        await approve_card(scene.ctx, card, head, PERSON)


async def test_a_conflict_names_its_files_and_leaves_the_card_in_review(scene: Scene) -> None:
    repo = await scene.repo()
    card, head = await scene.in_review(repo, {"readme.md": "theirs\n"})
    base = await scene.push(repo, "main", {"readme.md": "ours\n"})
    shown = await scene.shown(card)
    assert (shown["live"]["mergeable"], shown["live"]["conflicts"]) == (False, ["readme.md"])
    with pytest.raises(MergeConflict) as refused:
        await approve_card(scene.ctx, card, head, PERSON)
    assert refused.value.extra == {"files": ["readme.md"]}
    assert (await scene.card_row(card)).status == "in_review"
    assert await scene.tip(repo, "main") == base
    assert await scene.db.read(find_intent, card) is None


async def test_a_branch_that_moved_since_it_was_seen_is_not_merged(scene: Scene) -> None:
    repo = await scene.repo()
    card, head = await scene.in_review(repo)
    base = await scene.tip(repo, "main")
    row = await scene.card_row(card)
    newer = await scene.push(repo, row.branch_name or "", {"more.txt": "1"})
    assert (await scene.card_row(card)).head_sha == newer
    with pytest.raises(BranchMoved) as refused:
        await approve_card(scene.ctx, card, head, PERSON)
    assert refused.value.extra == {"head_sha": newer}
    assert await scene.tip(repo, "main") == base
    await approve_card(scene.ctx, card, newer, PERSON)


async def test_a_base_that_moves_meanwhile_is_merged_onto(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both at once: the push also measures the card anew, which is no reason to refuse."""
    repo = await scene.repo()
    card, head = await scene.in_review(repo)
    real, pushed = approving._effect, []

    async def push_first(*args: Any) -> None:
        if len(pushed) < 2:
            pushed.append(await scene.push(repo, "main", {f"other-{len(pushed)}.txt": "1"}))
        await real(*args)

    monkeypatch.setattr(approving, "_effect", push_first)
    await approve_card(scene.ctx, card, head, PERSON)
    merged = await scene.tip(repo, "main")
    assert merged is not None
    for sha in (*pushed, head):
        assert await refs.is_ancestor(scene.ctx.git, repo, sha, merged)
    assert len(pushed) == 2


async def test_a_card_that_is_measured_anew_meanwhile_is_merged_all_the_same(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = await scene.repo()
    card, head = await scene.in_review(repo, {"new.txt": "1\n"})
    real, pushed = approving.merge.merge_commit, []

    async def push_meanwhile(*args: Any, **kwargs: Any) -> str:
        made = await real(*args, **kwargs)
        if not pushed:  # the same line on the base: the card now changes nothing
            pushed.append(await scene.push(repo, "main", {"new.txt": "1\n"}))
        return made

    monkeypatch.setattr(approving.merge, "merge_commit", push_meanwhile)
    before = (await scene.card_row(card)).version
    assert (await approve_card(scene.ctx, card, head, PERSON))["status"] == "done"
    assert (await scene.card_row(card)).version > before + 1


async def test_two_approvals_at_once_merge_once(scene: Scene) -> None:
    repo = await scene.repo()
    card, head = await scene.in_review(repo)
    answers = await asyncio.gather(
        *(approve_card(scene.ctx, card, head, PERSON) for _ in range(2)), return_exceptions=True
    )
    [refused] = [a for a in answers if isinstance(a, BaseException)]
    assert isinstance(refused, Conflict)
    assert refused.status == 409


async def test_cards_of_one_repository_are_approved_at_once(scene: Scene) -> None:
    repo = await scene.repo()
    ready = [await scene.in_review(repo) for _ in range(4)]
    await asyncio.gather(*(approve_card(scene.ctx, c, head, PERSON) for c, head in ready))
    merged = await scene.tip(repo, "main")
    assert merged is not None
    for _, head in ready:
        assert await refs.is_ancestor(scene.ctx.git, repo, head, merged)


async def test_a_merge_measures_the_other_cards_anew_and_reads_the_settings(scene: Scene) -> None:
    repo = await scene.repo()
    config = {".lazyaf/config.toml": 'agent = "script"\n', "readme.md": "first\n"}
    first, head = await scene.in_review(repo, config)
    second, _ = await scene.in_review(repo, {"readme.md": "second\n"})
    assert (await scene.shown(second))["live"]["mergeable"] is True
    assert (await scene.repo_row(repo)).file_settings == {}
    await approve_card(scene.ctx, first, head, PERSON)
    await scene.ctx.background.settle()
    assert (await scene.repo_row(repo)).file_settings == {"agent": "script"}
    assert (await scene.shown(second))["live"]["mergeable"] is False


async def test_a_card_without_changes_is_just_closed(scene: Scene) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    await scene.finish(job, StopReason.NO_CHANGES)
    base = await scene.tip(repo, "main")
    assert (await scene.card_row(card)).no_changes
    shown = await approve_card(scene.ctx, card, "0" * 40, PERSON)
    assert (shown["status"], shown["merged_sha"]) == ("done", None)
    assert await scene.tip(repo, "main") == base


async def test_while_a_merge_is_under_way_other_commands_are_told_to_wait(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = await scene.repo()
    card, head = await scene.in_review(repo)
    monkeypatch.setattr(approving, "_effect", crash)
    with pytest.raises(Crash):
        await approve_card(scene.ctx, card, head, PERSON)
    monkeypatch.undo()
    request = RunRequest(message="More")
    tries: list[Callable[[], Awaitable[Any]]] = [
        lambda: approve_card(scene.ctx, card, head, PERSON),
        lambda: reject_card(scene.ctx, card, PERSON),
        lambda: scene.start(card, CardCommand.REQUEST_CHANGES, request),
        lambda: scene.db.write(delete_card, card, PERSON),
    ]
    for attempt in tries:
        with pytest.raises(Conflict) as refused:
            await attempt()
        assert refused.value.code == "busy"


CRASHES: dict[str, tuple[str, Callable[..., Any], bool]] = {
    "before the effect": ("_effect", crash, False),
    "after the effect": ("_effect", crash_after(approving._effect), True),
    "before the confirmation": ("_confirm", stumble, True),
}


@pytest.mark.parametrize("when", list(CRASHES))
async def test_a_crash_of_an_approval_is_done_or_undone_at_the_next_start(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    name, effect, is_merged = CRASHES[when]
    repo = await scene.repo()
    card, head = await scene.in_review(repo)
    base = await scene.tip(repo, "main")
    monkeypatch.setattr(approving, name, effect)
    with pytest.raises((Crash, Stumble)):
        await approve_card(scene.ctx, card, head, PERSON)
    monkeypatch.undo()
    await recover(scene.ctx)
    await recover(scene.ctx)  # once more changes nothing
    row = await scene.card_row(card)
    assert await scene.db.read(find_intent, card) is None
    if is_merged:
        assert (row.status, row.merged_sha) == ("done", await scene.tip(repo, "main"))
        assert row.merged_sha != base
    else:
        assert (row.status, await scene.tip(repo, "main")) == ("in_review", base)
        await approve_card(scene.ctx, card, head, PERSON)


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("when", ["before", "after", "before counting", "before closing"])
async def test_a_crash_of_a_finish_is_finished_at_the_next_start(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, when: str, fresh: bool
) -> None:
    repo = await scene.repo()
    card, old = await scene.in_review(repo)
    request = RunRequest(message="Again", fresh=fresh)
    await scene.start(card, CardCommand.REQUEST_CHANGES, request)
    job = await scene.claimed(await scene.runner())
    head = await scene.work(job, {"next.txt": "1"}, [job.base_sha] if fresh else [])
    target, effect = {
        "before": ("move_branch", crash),
        "after": ("move_branch", crash_after(finishing.move_branch)),
        "before counting": ("_count_archive", stumble),
        "before closing": ("_close", stumble),
    }[when]
    if when == "before counting" and not fresh:
        target, effect = "_confirm", crash
    monkeypatch.setattr(finishing, target, effect)
    with pytest.raises((Crash, Stumble)):
        await scene.finish(job, head_sha=head)
    monkeypatch.undo()
    await recover(scene.ctx)
    row = await scene.card_row(card)
    assert (row.status, row.head_sha, await scene.tip(repo, job.branch)) == (
        "in_review",
        head,
        head,
    )
    assert await scene.finish(job, head_sha=head) == "completed"
    assert await scene.db.read(find_intent, card) is None
    if fresh:
        assert await scene.ref(repo, "refs/lazyaf/archive/1/1") == old
        await reject_card(scene.ctx, card, PERSON)  # and the next one is kept beside it
        assert await scene.ref(repo, "refs/lazyaf/archive/1/1") == old
        assert await scene.ref(repo, "refs/lazyaf/archive/1/2") == head


async def test_a_crash_of_a_deletion_is_ended_at_the_next_start(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lazyaf.services import repositories

    repo, other = await scene.repo("gone"), await scene.repo("stays")
    card = await scene.card(repo)
    monkeypatch.setattr(repositories, "_finish_deletion", crash)
    with pytest.raises(Crash):
        await repositories.delete_repo(scene.ctx, repo, PERSON)
    monkeypatch.undo()
    with pytest.raises(NotFound):
        await scene.start(card)
    await recover(scene.ctx)
    assert not scene.ctx.git.exists(repo)
    with pytest.raises(NotFound):
        await scene.card_row(card)
    assert (await scene.repo_row(other)).name == "stays"
    assert await scene.empty_repo("gone")


# Rejecting and reopening


async def test_rejecting_keeps_the_tip_and_the_branch(scene: Scene) -> None:
    repo = await scene.repo()
    card, head = await scene.in_review(repo)
    shown = await reject_card(scene.ctx, card, PERSON)
    assert (shown["status"], shown["failure"]) == ("todo", None)
    assert await scene.ref(repo, "refs/lazyaf/archive/1/1") == head
    assert await scene.tip(repo, shown["branch_name"]) == head
    with pytest.raises(IllegalTransition):
        await reject_card(scene.ctx, card, PERSON)
    await scene.start(card)
    job = await scene.claimed(await scene.runner())
    assert job.branch_sha == head
    newer = await scene.work(job, {"more.txt": "1"})
    await scene.finish(job, StopReason.AGENT_FAILED, head_sha=newer)
    await reject_card(scene.ctx, card, PERSON)
    assert await scene.ref(repo, "refs/lazyaf/archive/1/1") == head
    assert await scene.ref(repo, "refs/lazyaf/archive/1/2") == newer


async def test_a_done_card_is_reopened_and_started_again(scene: Scene) -> None:
    repo = await scene.repo()
    card, head = await scene.in_review(repo)
    await approve_card(scene.ctx, card, head, PERSON)
    shown = await reopen_card(scene.ctx, card, PERSON)
    assert (shown["status"], shown["merged_sha"]) == ("todo", None)
    await scene.start(card)
    with pytest.raises(IllegalTransition):
        await reopen_card(scene.ctx, card, PERSON)


# The board


async def test_the_boards_json_is_what_the_rows_say(scene: Scene) -> None:
    repo = await scene.repo()
    odd = 'quote " backslash \\ newline ü 日本 \u2028 </script>'
    await scene.card(repo, odd.replace("\n", " "), labels=["a", odd], priority=3)
    _, running = await scene.working(repo)
    await scene.log(running, 1, "hello")
    await scene.in_review(repo, {"readme.md": "theirs\n"})
    await scene.push(repo, "main", {"readme.md": "ours\n"})
    failed, job = await scene.working(repo)
    await scene.finish(job, StopReason.STALLED, error=odd)
    await scene.start(await scene.card(repo, "Queued"))
    await scene.db.write(announce_progress, running.job_id)
    text, after = await scene.db.read(list_summaries, BoardFilter(repo_id=repo))
    assert after is None
    listed = {card["id"]: card for card in json.loads(text)}
    for card_id, summary in listed.items():
        row = await scene.card_row(card_id)
        own = {name: summary[name] for name in summary if name not in ("live", "stopping")}
        expected = {name: getattr(row, name) for name in own}
        assert own == expected
        assert "description" not in summary
        live = summary["live"]
        if row.job_id is None:
            assert live is None
            continue
        open_job = await scene.job_row(row.job_id)
        assert live == {
            "job_id": open_job.id,
            "job_status": open_job.status,
            "phase": open_job.phase,
            "last_action": open_job.last_action,
            "queued_at": open_job.created_at,
            "started_at": open_job.started_at,
            "completed_at": open_job.completed_at,
            "queue_position": 1 if open_job.status == "queued" else None,
            "attempt": open_job.attempt,
            "agent": open_job.agent,
            "cost_usd": None,
            "additions": row.additions,
            "deletions": row.deletions,
            "files": row.files,
            "mergeable": row.mergeable,
            "conflicts": row.conflicts,
        }
        assert summary == await scene.db.read(card_summary, card_id)
    assert listed[failed]["failure"]["detail"] == odd
    assert await from_events(scene, "card") == listed


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"text": "LOGIN"}, {"Login"}),
        ({"text": "#2"}, {"100%"}),
        ({"text": "%"}, {"100%"}),
        ({"text": "9" * 30}, set()),
        ({"text": "9" * 5000}, set()),
        ({"text": "²"}, set()),
        ({"label": "ui"}, {"Login"}),
        ({"label": "u"}, set()),
        ({"agent": "claude"}, {"100%"}),
        ({"statuses": (CardStatus.DONE.value,)}, set()),
        ({"statuses": ("todo", "done")}, {"Login", "100%"}),
    ],
)
async def test_filters(scene: Scene, wanted: dict[str, Any], found: set[str]) -> None:
    repo = await scene.repo()
    await scene.card(repo, "Login", labels=["ui", "x"])
    await scene.card(repo, "100%", agent="claude")
    text, _ = await scene.db.read(list_summaries, BoardFilter(repo_id=repo, **wanted))
    assert {card["title"] for card in json.loads(text)} == found


async def test_pages_have_each_card_once(scene: Scene) -> None:
    repo = await scene.repo()
    ids = [await scene.card(repo) for _ in range(23)]
    seen: list[str] = []
    after = None
    while True:
        wanted = BoardFilter(repo_id=repo, limit=5, after=after)
        text, after = await scene.db.read(list_summaries, wanted)
        seen += [card["id"] for card in json.loads(text)]
        if after is None:
            break
    assert seen == ids[::-1]


# Settings of a repository


async def test_the_file_of_the_default_branch_wins_and_a_wrong_one_is_shown(scene: Scene) -> None:
    from lazyaf.services.edit_repo import edit_repo
    from lazyaf.services.repositories import show_repo

    repo = await scene.repo(files={**BASE_FILES, ".lazyaf/config.toml": 'agent = "script"\n'})
    await edit_repo(scene.ctx, repo, {"settings": {"agent": "claude"}}, if_match=None, actor=PERSON)
    shown = await scene.db.read(show_repo, repo)
    assert (shown["settings"]["agent"], shown["settings_from_file"]) == ("script", ["agent"])
    await scene.push(repo, "side", {".lazyaf/config.toml": 'agent = "other"\n'})
    assert (await scene.db.read(show_repo, repo))["settings"]["agent"] == "script"
    await scene.push(repo, "main", {".lazyaf/config.toml": "agent = ["})
    shown = await scene.db.read(show_repo, repo)
    assert "TOML" in shown["config_error"]
    assert shown["settings"]["agent"] == "claude"
    await scene.push(repo, "main", {".lazyaf/config.toml": "x = " + "[" * 5000})
    assert "TOML" in (await scene.db.read(show_repo, repo))["config_error"]


async def test_a_repository_with_an_open_job_is_not_deleted(scene: Scene) -> None:
    from lazyaf.services.repositories import delete_repo

    repo = await scene.repo()
    _, job = await scene.working(repo)
    with pytest.raises(Conflict) as refused:
        await delete_repo(scene.ctx, repo, PERSON)
    assert refused.value.code == "repo_busy"
    await scene.finish(job)
    await delete_repo(scene.ctx, repo, PERSON)
    assert not scene.ctx.git.exists(repo)


async def test_an_edit_that_is_refused_leaves_head_where_it_was(scene: Scene) -> None:
    from lazyaf.services.edit_repo import edit_repo

    repo = await scene.repo()
    await scene.repo("taken")
    await scene.push(repo, "next", {"a": "b"})

    async def head() -> str:
        return (await scene.ctx.git.git(repo, ["symbolic-ref", "HEAD"])).text

    move = {"default_branch": "next"}
    with pytest.raises(VersionConflict):
        await edit_repo(scene.ctx, repo, move, if_match=99, actor=PERSON)
    with pytest.raises(Conflict):
        await edit_repo(scene.ctx, repo, {**move, "name": "taken"}, if_match=None, actor=PERSON)
    with pytest.raises(Invalid):
        await edit_repo(scene.ctx, repo, {"default_branch": "nowhere"}, if_match=None, actor=PERSON)
    assert await head() == "refs/heads/main"
    await edit_repo(scene.ctx, repo, move, if_match=None, actor=PERSON)
    assert await head() == "refs/heads/next"
