"""Comments of a review on both databases and real git: sent, followed, answered, resolved."""

from __future__ import annotations

from typing import Any

import pytest

from factories.scene import Scene
from lazyaf.domain.cards import CardCommand
from lazyaf.domain.errors import Conflict, IllegalTransition, Invalid, NotFound
from lazyaf.domain.events import PERSON
from lazyaf.domain.jobs import StopReason
from lazyaf.protocol.entries import EntryKind
from lazyaf.protocol.messages import Job
from lazyaf.services.approve_card import approve_card
from lazyaf.services.decide_card import reject_card
from lazyaf.services.list_comments import list_comments
from lazyaf.services.request_changes import Remark, request_changes
from lazyaf.services.resolve_comment import resolve_comment
from lazyaf.services.start_card import RunRequest

CODE = "".join(f"line {n}\n" for n in range(1, 11))


def remark(
    line: int | None, body: str = "Why?", *, path: str = "a.py", side: str = "new", **fields: Any
) -> Remark:
    return Remark(path, side, fields.pop("start_line", None), line, body, **fields)


async def reviewed(scene: Scene) -> tuple[str, str, str]:
    """A repository, a card in review whose branch has ``a.py``, and its head."""
    repo = await scene.repo(files={"a.py": "", "gone.py": CODE})
    card, head = await scene.in_review(repo, {"a.py": CODE, "gone.py": "line 1\nline 2\n"})
    return repo, card, head


async def ask(scene: Scene, card: str, *remarks: Remark, message: str = "") -> Job:
    """Ask for changes; the job of the round, claimed."""
    await request_changes(scene.ctx, card, message, remarks, PERSON)
    return await scene.claimed(await scene.runner())


async def answer(scene: Scene, job: Job, files: dict[str, str], *said: str) -> str:
    """The round's work and last words."""
    head = await scene.work(job, files)
    last = await scene.log(job, 1, *said) if said else 0
    await scene.finish(job, head_sha=head, last_seq=last)
    return head


async def shown(scene: Scene, card: str) -> list[dict[str, Any]]:
    return await list_comments(scene.ctx, card)


async def states(scene: Scene, card: str) -> list[tuple[str, int | None]]:
    """Of each comment its state and its present last line."""
    return [(c["state"].value, c["at"] and c["at"]["line"]) for c in await shown(scene, card)]


async def test_a_comment_is_numbered_sent_and_kept(scene: Scene) -> None:
    repo, card, head = await reviewed(scene)
    assert await shown(scene, card) == []
    job = await ask(scene, card, remark(3, "Why?"), remark(7, "And this?", start_line=5))
    assert [(c.number, c.path, c.start_line, c.line, c.body) for c in job.task.comments] == [
        (1, "a.py", None, 3, "Why?"), (2, "a.py", 5, 7, "And this?")]  # fmt: skip
    first, second = await shown(scene, card)
    base = await scene.tip(repo, "main")
    assert (first["number"], first["round"], first["job_id"]) == (1, 2, job.job_id)
    assert (first["base_sha"], first["head_sha"], first["author"]) == (base, head, "person:you")
    assert first["state"] == "open"
    assert first["at"] == {"path": "a.py", "start_line": None, "line": 3}
    assert second["at"] == {"path": "a.py", "start_line": 5, "line": 7}
    assert first["reply"] is first["resolved_at"] is None


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (remark(11), "a.py has no line 11: it ends with 10"),
        (remark(3, path="gone.py"), "no line 3"),
        (remark(11, path="gone.py", side="old"), "no line 11"),
        (remark(1, side="old"), "no line 1"),
        (remark(1, path="b.py"), "no b.py"),
        (remark(None, path="b.py"), "no b.py"),
    ],
)
async def test_a_comment_on_what_is_not_there_is_refused(
    scene: Scene, wrong: Remark, reason: str
) -> None:
    _, card, _ = await reviewed(scene)
    with pytest.raises(Invalid, match=reason):
        await request_changes(scene.ctx, card, "", [remark(10), wrong], PERSON)
    assert (await scene.card_row(card)).status == "in_review"


async def test_a_file_that_is_only_at_one_end_can_be_commented_on(scene: Scene) -> None:
    repo = await scene.repo(files={"old.py": CODE})
    card, _ = await scene.in_review(repo, {"new.py": CODE})
    whole = [remark(None, path=path, side="old") for path in ("old.py", "new.py")]
    job = await ask(scene, card, *whole, remark(10, path="old.py", side="old"))
    assert [c.path for c in job.task.comments] == ["old.py", "new.py", "old.py"]


async def test_lines_are_followed_and_a_changed_one_is_outdated(scene: Scene) -> None:
    _, card, _ = await reviewed(scene)
    job = await ask(scene, card, remark(3), remark(5), remark(None, path="gone.py"))
    await answer(scene, job, {"a.py": "top\n" + CODE.replace("line 3\n", "line three\n")})
    assert await states(scene, card) == [("outdated", None), ("open", 6), ("open", None)]
    assert (await shown(scene, card))[2]["at"] == {
        "path": "gone.py", "start_line": None, "line": None}  # fmt: skip


async def test_a_removed_line_is_followed_in_the_base_until_it_comes_back(scene: Scene) -> None:
    repo, card, _ = await reviewed(scene)
    gone = {"path": "gone.py", "side": "old"}
    job = await ask(scene, card, remark(7, **gone), remark(8, **gone))
    assert [c.side for c in job.task.comments] == ["old", "old"]
    await scene.push(repo, "main", {"gone.py": "top\n" + CODE})
    assert await states(scene, card) == [("open", 7), ("open", 8)]
    head = scene.commit(
        repo, {"gone.py": "top\nline 1\nline 2\nline 8\n"}, [str(await scene.tip(repo, "main"))]
    )
    await scene.set_ref(repo, f"{job.push_prefix}head", head)
    await scene.finish(job, head_sha=head)
    assert await states(scene, card) == [("open", 8), ("outdated", None)]


async def test_the_agents_last_word_about_each_comment_is_its_answer(scene: Scene) -> None:
    _, card, _ = await reviewed(scene)
    job = await ask(scene, card, remark(3), remark(5), remark(7))
    await answer(
        scene, job, {"a.py": CODE + "more\n"},
        "[#1] I shall use a set.", "Done.\n\n- [#1] Used a set.\n- [#2]: Left it, on purpose.\n- [#9] ?",
    )  # fmt: skip
    first, second, third = await shown(scene, card)
    assert (first["state"], second["state"], third["state"]) == ("answered", "answered", "open")
    assert (first["reply"]["text"], first["reply"]["seq"]) == ("Used a set.", 2)
    assert first["reply"]["job_id"] == job.job_id
    assert second["reply"]["text"] == "Left it, on purpose."
    assert third["reply"] is None


async def test_what_a_script_prints_is_its_word_and_what_a_tool_prints_is_not(scene: Scene) -> None:
    _, card, _ = await reviewed(scene)
    job = await ask(scene, card, remark(3), remark(5))
    now = scene.clock.now()
    last = await scene.tell(
        job, 1,
        {"at": now, "kind": EntryKind.TOOL_RESULT, "text": "[#2] Not my words.", "call_id": "a"},
        {"at": now, "kind": EntryKind.STDOUT, "text": "[#1] Printed."},
        {"at": now, "kind": EntryKind.USER, "text": "[#2] Nor these."},
    )  # fmt: skip
    await scene.finish(job, head_sha=await scene.work(job, {"b.py": "b\n"}), last_seq=last)
    assert [c["reply"] and c["reply"]["text"] for c in await shown(scene, card)] == [
        "Printed.",
        None,
    ]


async def test_an_answer_beyond_a_page_of_the_log_is_found(scene: Scene) -> None:
    _, card, _ = await reviewed(scene)
    job = await ask(scene, card, remark(3))
    said = ["[#1] Early.", *(f"step {n}" for n in range(1_200))]
    await answer(scene, job, {"b.py": "b\n"}, *said)
    reply = (await shown(scene, card))[0]["reply"]
    assert (reply["text"], reply["seq"]) == ("Early.", 1)


async def test_a_failed_round_counts_its_answers_and_the_open_ones_go_along_again(
    scene: Scene,
) -> None:
    _, card, _ = await reviewed(scene)
    job = await ask(scene, card, remark(3), remark(5), remark(7), remark(9))
    await scene.db.write(resolve_comment, card, 3, PERSON, scene.clock.now())
    head = await scene.work(job, {"a.py": "top\n" + CODE.replace("line 9\n", "")})
    last = await scene.log(job, 1, "[#1] Done.")
    await scene.finish(job, StopReason.AGENT_FAILED, head_sha=head, last_seq=last)
    await scene.start(card, CardCommand.RETRY)
    again = await scene.claimed(await scene.runner())
    # Where the lines stand now; of those that were changed, the file.
    assert [(c.number, c.path, c.line) for c in again.task.comments] == [
        (2, "a.py", 6), (4, "a.py", None)]  # fmt: skip
    await answer(scene, again, {"c.py": "c\n"}, "[#2] Now done.")
    assert [c["state"] for c in await shown(scene, card)] == [
        "answered", "answered", "resolved", "outdated"]  # fmt: skip
    assert (await shown(scene, card))[1]["round"] == 2


async def test_a_fresh_start_takes_no_comments_along_and_numbers_go_on(scene: Scene) -> None:
    _, card, _ = await reviewed(scene)
    await answer(scene, await ask(scene, card, remark(3)), {"b.py": "b\n"})
    job = await ask(scene, card, remark(5))
    assert [c.number for c in job.task.comments] == [1, 2]
    await answer(scene, job, {"c.py": "c\n"})
    await reject_card(scene.ctx, card, PERSON)
    await scene.start(card, request=RunRequest(fresh=True))
    assert (await scene.claimed(await scene.runner())).task.comments == []


async def test_a_comment_written_on_an_older_head_is_told_where_it_stands_now(scene: Scene) -> None:
    repo, card, head = await reviewed(scene)
    branch = (await scene.card_row(card)).branch_name
    assert branch is not None
    await scene.push(repo, branch, {"a.py": "top\n" + CODE})
    base = await scene.tip(repo, "main")
    job = await ask(scene, card, remark(3, base_sha=base, head_sha=head), remark(3))
    assert [c.line for c in job.task.comments] == [4, 3]
    assert await states(scene, card) == [("open", 4), ("open", 3)]


async def test_a_person_resolves_a_comment_and_takes_it_back(scene: Scene) -> None:
    _, card, _ = await reviewed(scene)
    await answer(scene, await ask(scene, card, remark(3)), {"b.py": "b\n"}, "[#1] Done.")
    version = (await scene.card_row(card)).version
    await scene.db.write(resolve_comment, card, 1, PERSON, scene.clock.now())
    comment = (await shown(scene, card))[0]
    assert (comment["state"], comment["resolved_by"]) == ("resolved", "person:you")
    assert (await scene.card_row(card)).version == version + 1
    assert (await scene.told_cards())[card]["version"] == version + 1
    await scene.db.write(resolve_comment, card, 1, PERSON, scene.clock.now())
    assert (await scene.card_row(card)).version == version + 1
    await scene.db.write(resolve_comment, card, 1, PERSON, scene.clock.now(), resolved=False)
    assert (await shown(scene, card))[0]["state"] == "answered"
    with pytest.raises(NotFound, match="#2"):
        await scene.db.write(resolve_comment, card, 2, PERSON, scene.clock.now())


async def test_whoever_asks_first_is_told_what_is_not_resolved(scene: Scene) -> None:
    _, card, _ = await reviewed(scene)
    job = await ask(scene, card, remark(3), remark(5))
    with pytest.raises(IllegalTransition):
        await approve_card(scene.ctx, card, "1" * 40, PERSON, require_resolved=True)
    head = await answer(scene, job, {"b.py": "b\n"}, "[#1] Done.\n[#2] Done.")
    await scene.db.write(resolve_comment, card, 1, PERSON, scene.clock.now())
    with pytest.raises(Conflict, match="Comment #2 is not resolved") as refused:
        await approve_card(scene.ctx, card, head, PERSON, require_resolved=True)
    assert (refused.value.code, refused.value.extra["comments"]) == ("unresolved_comments", [2])
    assert (await scene.card_row(card)).status == "in_review"
    assert (await approve_card(scene.ctx, card, head, PERSON))["status"] == "done"
    # What was merged is looked at as it was.
    assert await states(scene, card) == [("resolved", 3), ("answered", 5)]


async def test_with_everything_resolved_it_is_merged(scene: Scene) -> None:
    _, card, _ = await reviewed(scene)
    head = await answer(scene, await ask(scene, card, remark(3)), {"b.py": "b\n"})
    await scene.db.write(resolve_comment, card, 1, PERSON, scene.clock.now())
    done = await approve_card(scene.ctx, card, head, PERSON, require_resolved=True)
    assert done["status"] == "done"


async def test_what_cannot_be_said(scene: Scene) -> None:
    repo, card, _ = await reviewed(scene)
    for remarks in ((), (remark(3, head_sha="1" * 40),)):
        with pytest.raises(Invalid):
            await request_changes(scene.ctx, card, " ", remarks, PERSON)
    fresh = await scene.card(repo)
    with pytest.raises(Invalid, match="no changes yet"):
        await request_changes(scene.ctx, fresh, "", [remark(3)], PERSON)
    assert await shown(scene, card) == []
