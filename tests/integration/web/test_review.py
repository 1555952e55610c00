"""Comments and rounds over HTTP, as a browser asks for them."""

from __future__ import annotations

from typing import Any

import pytest

from support.app import Served

CODE = "".join(f"line {n}\n" for n in range(1, 11))


async def reviewed(served: Served) -> str:
    """A card whose branch has ``a.py``, in review."""
    card, _ = await served.scene.in_review(await served.repo(), {"a.py": CODE})
    return card


async def ask(served: Served, card: str, *comments: dict[str, Any], message: str = "") -> Any:
    body = {"message": message, "comments": list(comments)}
    return await served.person.post(f"/api/cards/{card}/request-changes", json=body)


async def answered(served: Served, card: str) -> str:
    """The card again in review after a round that has answered its first comment; the new head."""
    sent = await ask(served, card, {"path": "a.py", "line": 3, "body": "Why?"})
    assert sent.status_code == 200, sent.text
    scene = served.scene
    job = await scene.claimed(await scene.runner("two"))
    head = await scene.work(job, {"a.py": "top\n" + CODE})
    await scene.finish(job, head_sha=head, last_seq=await scene.log(job, 1, "[#1] Because."))
    return head


async def test_a_comment_from_its_sending_to_its_end(served: Served) -> None:
    card = await reviewed(served)
    head = await answered(served, card)
    path = f"/api/cards/{card}/comments"
    listed = (await served.person.get(path)).json()
    assert listed["next_cursor"] is None
    comment = listed["items"][0]
    assert (comment["number"], comment["state"], comment["round"]) == (1, "answered", 2)
    assert comment["at"] == {"path": "a.py", "start_line": None, "line": 4}
    assert (comment["reply"]["text"], comment["reply"]["seq"]) == ("Because.", 1)
    body = {"head_sha": head, "require_resolved": True}
    refused = await served.person.post(f"/api/cards/{card}/approve", json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "unresolved_comments")
    assert refused.json()["comments"] == [1]
    resolved = (await served.person.post(f"{path}/1/resolve")).json()
    assert (resolved["state"], resolved["resolved_by"]) == ("resolved", "person:you")
    opened = (await served.person.post(f"{path}/1/unresolve")).json()
    assert opened == comment
    await served.person.post(f"{path}/1/resolve")
    done = await served.person.post(f"/api/cards/{card}/approve", json=body)
    assert (done.status_code, done.json()["status"]) == (200, "done")


async def test_the_rounds_and_what_each_has_changed(served: Served) -> None:
    card = await reviewed(served)
    first = (await served.person.get(f"/api/cards/{card}")).json()["head_sha"]
    head = await answered(served, card)
    rounds = (await served.person.get(f"/api/cards/{card}/rounds")).json()["items"]
    assert [(r["number"], r["after_sha"], r["comments"]) for r in rounds] == [
        (1, first, []), (2, head, [1])]  # fmt: skip
    second = (await served.person.get(f"/api/cards/{card}/rounds/2/diff")).json()
    assert [(f["path"], f["additions"]) for f in second["files"]] == [("a.py", 1)]
    assert (second["carried"], second["carried_conflicts"]) == ("direct", [])
    since = await served.person.get(f"/api/cards/{card}/diff", params={"since": first})
    assert since.json() == second
    alone = await served.person.get(f"/api/cards/{card}/rounds/2/diff", params={"path": "b"})
    assert alone.json()["files"] == []
    assert (await served.person.get(f"/api/cards/{card}/rounds/3/diff")).status_code == 404


@pytest.mark.parametrize(
    "comment",
    [
        {"path": "a.py", "body": ""},
        {"path": "", "body": "b"},
        {"path": "a\0", "body": "b"},
        {"path": "a.py", "body": "b\0"},
        {"path": "a.py", "body": "b", "line": 0},
        {"path": "a.py", "body": "b", "start_line": 3},
        {"path": "a.py", "body": "b", "start_line": 3, "line": 2},
        {"path": "a.py", "body": "b", "side": "left"},
        {"path": "a.py", "body": "b", "head_sha": "main"},
        {"path": "a.py", "body": "b", "head_sha": "1" * 40},
        {"path": "a.py", "body": "b", "number": 7},
    ],
)
async def test_what_is_no_comment(served: Served, comment: dict[str, Any]) -> None:
    card = await reviewed(served)
    refused = await ask(served, card, comment, message="Please.")
    assert refused.status_code == 422
    assert (await served.person.get(f"/api/cards/{card}/comments")).json()["items"] == []
    assert (await served.person.get(f"/api/cards/{card}")).json()["status"] == "in_review"


async def test_only_people_review(served: Served) -> None:
    card = await reviewed(served)
    for client in (served.runner, served.stranger):
        for path in ("comments", "rounds", "rounds/1/diff"):
            assert (await client.get(f"/api/cards/{card}/{path}")).status_code in (401, 403)
        assert (await client.post(f"/api/cards/{card}/comments/1/resolve")).status_code in (
            401,
            403,
        )
    unknown = await served.person.post(f"/api/cards/{card}/comments/1/resolve")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    assert (await served.person.get("/api/cards/none/comments")).status_code == 404


async def test_a_suggestion_is_committed_and_the_next_look_shows_it(served: Served) -> None:
    card = await reviewed(served)
    head = (await served.person.get(f"/api/cards/{card}")).json()["head_sha"]
    suggestion = {"path": "a.py", "line": 3, "text": "third\n"}
    body = {"head_sha": head, "suggestions": [suggestion]}
    made = await served.person.post(f"/api/cards/{card}/suggestions", json=body)
    assert (made.status_code, made.json()["status"]) == (200, "in_review")
    file = (await served.person.get(f"/api/cards/{card}/diff")).json()["files"][0]
    repo = made.json()["repo_id"]
    blob = await served.person.get(f"/api/repos/{repo}/blobs/{file['new']['id']}")
    assert blob.text == CODE.replace("line 3", "third")
    assert blob.headers["content-type"] == "application/octet-stream"
    assert "sandbox" in blob.headers["content-security-policy"]
    again = await served.person.post(f"/api/cards/{card}/suggestions", json=body)
    assert (again.status_code, again.json()["code"]) == (409, "branch_moved")
    missing = await served.person.get(f"/api/repos/{repo}/blobs/{'0' * 40}")
    assert missing.status_code == 404
    commit = await served.person.get(f"/api/repos/{repo}/blobs/{made.json()['head_sha']}")
    assert commit.status_code == 404
