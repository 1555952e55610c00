"""Landing with a look first: what would be pushed, a remote that moved, and that nothing is ever forced.

The server is its own remote here, over HTTP.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from lazyaf.git import command
from support.app import Served


class Landing:
    """A repository that came from another, and what the API says of landing on that."""

    def __init__(self, served: Served, origin: str, copy: str) -> None:
        self.served, self.origin, self.copy = served, origin, copy
        self.url = f"{served.url}/git/{origin}.git"

    async def ask(self, verb: str, status: int = 200, **body: Any) -> dict[str, Any]:
        path = f"/api/repos/{self.copy}/land{verb}"
        answer = await self.served.person.post(path, json={"branch": "main", **body})
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def preview(self, **body: Any) -> dict[str, Any]:
        return await self.ask("/preview", **body)

    async def here(self, branch: str = "main") -> str:
        return await self._tip(self.copy, branch)

    async def there(self, branch: str = "main") -> str:
        return await self._tip(self.origin, branch)

    async def _tip(self, repo: str, branch: str) -> str:
        found = await self.served.scene.tip(repo, branch)
        assert found is not None
        return found

    async def push_here(self, **files: str) -> str:
        return await self.served.scene.push(self.copy, "main", files)

    async def push_there(self, **files: str) -> str:
        return await self.served.scene.push(self.origin, "main", files)

    async def tracked(self, branch: str = "main") -> str | None:
        return await self.served.scene.ref(self.copy, f"refs/remotes/origin/{branch}")

    async def remote_of(self, branch: str = "main") -> dict[str, Any] | None:
        listed = await self.served.person.get(f"/api/repos/{self.copy}/branches")
        [found] = [item for item in listed.json()["items"] if item["name"] == branch]
        remote: dict[str, Any] | None = found["remote"]
        return remote


def seen(preview: dict[str, Any]) -> dict[str, Any]:
    return {"seen": {"sha": preview["sha"], "remote_sha": preview["remote_sha"]}}


@pytest_asyncio.fixture
async def landing(served: Served) -> Landing:
    origin = await served.repo("origin")
    body = {"url": f"{served.url}/git/{origin}.git", "name": "copy", "password": served.token}
    made = await served.person.post("/api/repos/import", json=body)
    assert made.status_code == 201, made.text
    await served.house.ctx.background.settle()
    return Landing(served, origin, made.json()["id"])


async def test_a_preview_says_what_would_be_pushed_and_that_is_pushed(landing: Landing) -> None:
    before = await landing.there()
    first = await landing.push_here(a="1\n")
    tip = await landing.push_here(b="1\n")
    shown = await landing.preview()
    assert (shown["state"], shown["ahead"], shown["behind"]) == ("ahead", 2, 0)
    assert [commit["sha"] for commit in shown["commits"]] == [tip, first]
    assert (shown["sha"], shown["remote_sha"], shown["remote_default"]) == (tip, before, "main")
    assert shown["remote_url"] == landing.url
    assert await landing.there() == before  # a look pushes nothing
    assert await landing.remote_of() == {"sha": before, "ahead": 2, "behind": 0}
    landed = await landing.ask("", **seen(shown))
    assert (landed["pushed"], landed["sha"]) == (True, tip)
    assert await landing.there() == tip
    assert await landing.remote_of() == {"sha": tip, "ahead": 0, "behind": 0}
    again = await landing.preview()
    assert (again["state"], again["ahead"], again["commits"]) == ("current", 0, [])


async def test_a_new_branch_brings_what_no_branch_of_the_remote_has(landing: Landing) -> None:
    scene = landing.served.scene
    tip = await scene.push(landing.copy, "topic", {"t": "1\n"}, parents=[await landing.here()])
    shown = await landing.preview(branch="topic")
    assert (shown["state"], shown["ahead"], shown["remote_sha"]) == ("new", 1, None)
    assert [commit["sha"] for commit in shown["commits"]] == [tip]
    assert await landing.remote_of("topic") is None
    landed = await landing.ask("", branch="topic", **seen(shown))
    assert landed["pushed"]
    assert await landing.there("topic") == tip


async def test_a_branch_that_came_between_is_not_pushed_over(landing: Landing) -> None:
    scene = landing.served.scene
    base = await landing.here()
    await scene.push(landing.copy, "topic", {"t": "1\n"}, parents=[base])
    shown = await landing.preview(branch="topic")
    # At an ancestor, to which an ordinary push would be a fast-forward.
    await scene.set_ref(landing.origin, "refs/heads/topic", base)
    refused = await landing.ask("", 409, branch="topic", **seen(shown))
    assert refused["code"] == "remote_moved"
    assert await landing.there("topic") == base


async def test_only_what_was_shown_is_pushed(landing: Landing) -> None:
    before = await landing.there()
    await landing.push_here(a="1\n")
    shown = await landing.preview()
    await landing.push_here(b="1\n")
    refused = await landing.ask("", 409, **seen(shown))
    assert refused["code"] == "branch_moved"
    assert await landing.there() == before


async def test_a_lease_overwrites_nothing(landing: Landing) -> None:
    """git lets a lease overwrite the very commit that it names."""
    moved = await landing.push_there(theirs="1\n")
    await landing.push_here(ours="1\n")
    shown = await landing.preview()
    assert (shown["state"], shown["ahead"], shown["behind"]) == ("diverged", 1, 1)
    refused = await landing.ask("", 409, **seen(shown))
    assert refused["code"] == "remote_moved"
    assert (await landing.ask("", 409))["code"] == "remote_moved"
    assert await landing.there() == moved


async def test_a_remote_that_moved_is_merged_in_and_landed_on(landing: Landing) -> None:
    scene = landing.served.scene
    card, _ = await scene.in_review(landing.copy)
    theirs = await landing.push_there(theirs="1\n")
    ours = await landing.push_here(ours="1\n")
    shown = await landing.preview()
    assert [commit["sha"] for commit in shown["remote_commits"]] == [theirs]
    assert (shown["mergeable"], shown["conflicts"]) == (True, [])
    merged = await landing.ask("/merge", **seen(shown))
    assert (merged["state"], merged["ahead"], merged["behind"]) == ("ahead", 2, 0)
    tip = await landing.here()
    assert merged["sha"] == tip
    git = landing.served.house.ctx.git
    said = await git.git(landing.copy, ["log", "-1", "--format=%P%n%s", tip])
    assert said.text.split("\n") == [f"{ours} {theirs}", f"Merge branch 'main' of {landing.url}"]
    assert (await scene.event_types()).count("branch.pushed") >= 1
    await landing.served.house.ctx.background.settle()
    assert (await scene.shown(card))["live"]["behind"] == 3  # the radar looked again
    assert (await landing.ask("", **seen(merged)))["pushed"]
    assert await landing.there() == tip


async def test_a_branch_that_is_only_behind_is_forwarded(landing: Landing) -> None:
    theirs = await landing.push_there(theirs="1\n")
    shown = await landing.preview()
    assert (shown["state"], shown["ahead"], shown["behind"]) == ("behind", 0, 1)
    merged = await landing.ask("/merge", **seen(shown))
    assert (merged["state"], merged["sha"]) == ("current", theirs)
    assert await landing.here() == theirs


async def test_a_conflict_names_its_files_and_changes_nothing(landing: Landing) -> None:
    await landing.push_there(a="theirs\n")
    ours = await landing.push_here(a="ours\n")
    shown = await landing.preview()
    assert (shown["mergeable"], shown["conflicts"]) == (False, ["a"])
    refused = await landing.ask("/merge", 409, **seen(shown))
    assert (refused["code"], refused["files"]) == ("merge_conflict", ["a"])
    assert await landing.here() == ours


async def test_only_what_was_shown_is_merged(landing: Landing) -> None:
    await landing.push_there(theirs="1\n")
    shown = await landing.preview()
    await landing.push_there(more="1\n")
    before = await landing.here()
    assert (await landing.ask("/merge", 409, **seen(shown)))["code"] == "remote_moved"
    shown = await landing.preview()
    await landing.push_here(ours="1\n")
    assert (await landing.ask("/merge", 409, **seen(shown)))["code"] == "branch_moved"
    assert before != await landing.here()


async def test_what_only_approving_changes_is_not_merged_into(landing: Landing) -> None:
    await landing.push_there(theirs="1\n")
    path = f"/api/repos/{landing.copy}"
    await landing.served.person.patch(path, json={"settings": {"only_approve": True}})
    before = await landing.here()
    refused = await landing.ask("/merge", 409, **seen(await landing.preview()))
    assert refused["code"] == "branch_protected"
    assert await landing.here() == before


async def test_an_agent_at_work_keeps_its_branch(landing: Landing) -> None:
    scene = landing.served.scene
    card, head = await scene.in_review(landing.copy)
    branch = (await scene.card_row(card)).branch_name or ""
    theirs = scene.commit(landing.origin, {"x": "1"}, [await landing.there()])
    await scene.set_ref(landing.origin, f"refs/heads/{branch}", theirs)
    shown = await landing.preview(branch=branch)
    assert shown["state"] == "diverged"
    await landing.served.person.post(f"/api/cards/{card}/request-changes", json={"message": "More"})
    refused = await landing.ask("/merge", 409, branch=branch, **seen(shown))
    assert refused["code"] == "branch_busy"
    assert await landing.here(branch) == head


async def test_a_card_in_review_is_measured_anew_when_its_branch_is_merged_into(
    landing: Landing,
) -> None:
    scene = landing.served.scene
    card, head = await scene.in_review(landing.copy)
    branch = (await scene.card_row(card)).branch_name or ""
    theirs = scene.commit(landing.origin, {"x": "1"}, [await landing.there()])
    await scene.set_ref(landing.origin, f"refs/heads/{branch}", theirs)
    await landing.ask("/merge", branch=branch, **seen(await landing.preview(branch=branch)))
    await landing.served.house.ctx.background.settle()
    shown = await scene.shown(card)
    assert shown["head_sha"] == await landing.here(branch) != head


async def test_what_was_seen_of_the_remote_is_hidden_and_goes_with_it(landing: Landing) -> None:
    served, tip = landing.served, await landing.there()
    await served.scene.set_ref(landing.origin, "refs/heads/gone/one", tip)
    await served.person.post(f"/api/repos/{landing.copy}/fetch")
    await served.house.ctx.background.settle()
    assert await landing.tracked("gone/one") == tip
    url = f"{served.url}/git/{landing.copy}.git"
    env = command.child_env(command.auth_env(url, "lazyaf", served.token))
    listed = (await command.run(["ls-remote", url], env=env)).text
    assert "refs/heads/main" in listed
    assert "refs/remotes" not in listed
    names = (await served.person.get(f"/api/repos/{landing.copy}/branches")).json()["items"]
    assert not any("origin" in branch["name"] for branch in names)
    # A name that makes room for another below it.
    git = served.house.ctx.git
    await git.git(landing.origin, ["update-ref", "-d", "refs/heads/gone/one"])
    await served.scene.set_ref(landing.origin, "refs/heads/gone", tip)
    await git.git(landing.copy, ["update-ref", "-d", "refs/heads/gone/one"])
    await served.person.post(f"/api/repos/{landing.copy}/fetch")
    await served.house.ctx.background.settle()
    assert await landing.tracked("gone/one") is None
    assert await landing.tracked("gone") == tip
    await served.person.patch(f"/api/repos/{landing.copy}", json={"remote_url": landing.url + "/"})
    assert await landing.tracked() is None


async def test_another_remote_is_looked_at_and_not_remembered(landing: Landing) -> None:
    served = landing.served
    other = await served.repo("other")
    theirs = await served.scene.push(other, "main", {"other": "1\n"})
    url = f"{served.url}/git/{other}.git".replace("http://", f"http://lazyaf:{served.token}@")
    before = await landing.tracked()
    shown = await landing.preview(remote_url=url)
    assert (shown["remote_sha"], shown["state"]) == (theirs, "behind")
    assert served.token not in str(shown)
    assert await landing.tracked() == before != theirs


async def test_a_repository_on_this_machine_is_asked_and_not_read(
    landing: Landing, tmp_path: Path
) -> None:
    bare = tmp_path / "bare.git"
    await command.run(["init", "-q", "--bare", "--initial-branch=main", str(bare)])
    shown = await landing.preview(remote_url=str(bare))
    assert (shown["state"], shown["ahead"]) == ("new", 1)
    await landing.ask("", remote_url=str(bare), **seen(shown))
    tree = (await command.run([f"--git-dir={bare}", "rev-parse", "main^{tree}"])).text
    words = [f"--git-dir={bare}", "commit-tree", tree, "-m", "secret"]
    secret = (await command.run(words)).text
    await command.run([f"--git-dir={bare}", "update-ref", "refs/heads/main", secret])
    shown = await landing.preview(remote_url=str(bare))
    assert (shown["state"], shown["behind"], shown["remote_commits"]) == ("unknown", None, [])
    assert await landing.served.scene.ref(landing.copy, secret) is None
    assert (await landing.ask("", 409, remote_url=str(bare), **seen(shown)))["code"] == (
        "remote_moved"
    )
    await landing.ask("/merge", 422, remote_url=str(bare), **seen(shown))


@pytest.mark.parametrize(
    "url", ["nonsense", "ext::sh -c id", "git@-oProxy=id:x.git", "--upload-pack=id", "fd::3"]
)
async def test_what_is_no_remote_is_refused(landing: Landing, url: str) -> None:
    for verb in ("/preview", ""):
        refused = await landing.ask(verb, 422, remote_url=url)
        assert list(refused["fields"]) == ["remote_url"]
