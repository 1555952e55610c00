"""A repository's card templates over the API: those at the tip of its default branch, and no others."""

from __future__ import annotations

from support.app import Served

FOLDER = ".lazyaf/templates"


async def test_they_are_those_of_the_default_branch(served: Served) -> None:
    repo = await served.repo()
    path = f"/api/repos/{repo}/templates"
    assert (await served.person.get(path)).json()["items"] == []

    files = {
        f"{FOLDER}/bug.md": "---\nname: Bug\nlabels: [bug]\n---\nWhat happens?",
        f"{FOLDER}/a.md": "Just text",
        f"{FOLDER}/notes.txt": "none",
        f"{FOLDER}/more/deep.md": "none",
    }
    base = await served.scene.tip(repo, "main")
    assert base is not None
    await served.scene.push(repo, "lazyaf/1-agent", files, parents=[base])
    assert (await served.person.get(path)).json()["items"] == []

    await served.scene.push(repo, "main", files, parents=[base])
    items = (await served.person.get(path)).json()["items"]
    assert [(item["file"], item["name"], item["description"]) for item in items] == [
        ("a.md", "a", "Just text"),
        ("bug.md", "Bug", "What happens?"),
    ]
    assert items[1]["labels"] == ["bug"]


async def test_a_repository_without_commits_has_none(served: Served) -> None:
    made = await served.person.post("/api/repos", json={"name": "empty"})
    answer = await served.person.get(f"/api/repos/{made.json()['id']}/templates")
    assert (answer.status_code, answer.json()["items"]) == (200, [])
