"""A card's pull request: pushed and opened, found again, looked at, and what follows when it was merged."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from factories.forged import NAME, TOKEN, forged_repo
from factories.scene import Scene
from fakes.forge_server import ForgeServer
from lazyaf.domain.errors import BranchMoved, Conflict, IllegalTransition, Invalid, LazyafError
from lazyaf.domain.events import PERSON
from lazyaf.domain.remotes import Login
from lazyaf.services.cards import delete_card, edit_card
from lazyaf.services.decide_card import close_card
from lazyaf.services.edit_repo import edit_repo
from lazyaf.services.forge_token import forget_token, keep_token, try_token
from lazyaf.services.land_branch import Seen
from lazyaf.services.pull_request import Wanted, draft_pull, open_pull_request, refresh_pull
from lazyaf.services.remote_login import seal
from lazyaf.store.repos import get_repo, update_repo
from lazyaf.store.tx import Tx


async def test_the_branch_is_pushed_and_the_card_has_its_pull_request(
    scene: Scene, forge: ForgeServer
) -> None:
    repo = await forged_repo(scene, forge)
    card_id, job = await scene.working(repo, description="It was broken.")
    await scene.log(job, 1, "I am looking.", "The login works again.")
    head = await scene.work(job, {"login.py": "fixed\n"})
    await scene.finish(job, head_sha=head, last_seq=2)
    shown = await open_pull_request(scene.ctx, card_id, Wanted(), PERSON)
    [there] = forge.pulls
    assert forge.tip(NAME, shown["branch_name"]) == head
    assert (there.title, there.branch, there.base) == (
        "Fix the login",
        shown["branch_name"],
        "main",
    )
    assert there.body == (
        "It was broken.\n\n## What was done\n\nThe login works again.\n\nLazyAF card #1\n"
    )
    assert (shown["pr_state"], shown["pr_note"]) == ("open", None)
    assert shown["pr_url"].startswith(f"{forge.origin}/{NAME}/")
    types = await scene.event_types()
    assert types[-2:] == ["branch.landed", "card.pull_request_opened"]
    assert (await scene.told_cards())[card_id]["pr_url"] == shown["pr_url"]


async def test_again_it_pushes_what_is_new_and_links_the_same_one(
    scene: Scene, forge: ForgeServer
) -> None:
    repo = await forged_repo(scene, forge)
    card_id, _ = await scene.in_review(repo)
    first = await open_pull_request(scene.ctx, card_id, Wanted(), PERSON)
    head = await scene.push(repo, first["branch_name"], {"more.txt": "1\n"})
    again = await open_pull_request(scene.ctx, card_id, Wanted(title="Another"), PERSON)
    assert again["pr_url"] == first["pr_url"]
    assert len(forge.pulls) == 1
    assert forge.tip(NAME, first["branch_name"]) == head


async def test_two_at_once_open_one(scene: Scene, github: ForgeServer) -> None:
    repo = await forged_repo(scene, github)
    card_id, _ = await scene.in_review(repo)
    both = await asyncio.gather(
        *(open_pull_request(scene.ctx, card_id, Wanted(), PERSON) for _ in range(2))
    )
    assert both[0]["pr_url"] == both[1]["pr_url"]
    assert len(github.pulls) == 1


async def test_what_a_person_writes_is_what_is_opened(scene: Scene, github: ForgeServer) -> None:
    repo = await forged_repo(scene, github)
    card_id, _ = await scene.in_review(repo)
    wanted = Wanted(title=" Mine ", body="By hand.", base="main")
    await open_pull_request(scene.ctx, card_id, wanted, PERSON)
    [there] = github.pulls
    assert (there.title, there.body) == ("Mine", "By hand.")


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (Wanted(title="  "), "title"),
        (Wanted(title="x" * 256), "title"),
        (Wanted(body="x" * 70_000), "body"),
        (Wanted(base="a..b"), "base"),
    ],
)
async def test_what_no_forge_would_take_is_refused_before_anything_is_pushed(
    scene: Scene, github: ForgeServer, wanted: Wanted, field: str
) -> None:
    repo = await forged_repo(scene, github)
    card_id, _ = await scene.in_review(repo)
    with pytest.raises(Invalid) as refused:
        await open_pull_request(scene.ctx, card_id, wanted, PERSON)
    assert list(refused.value.extra["fields"]) == [field]  # type: ignore[call-overload]
    assert "branch.landed" not in (await scene.event_types())[-2:]


async def test_what_was_seen_is_what_is_pushed_or_nothing(
    scene: Scene, github: ForgeServer
) -> None:
    repo = await forged_repo(scene, github)
    card_id, head = await scene.in_review(repo)
    branch = (await scene.card_row(card_id)).branch_name or ""
    moved = await scene.push(repo, branch, {"more.txt": "1\n"})
    with pytest.raises(BranchMoved):
        await open_pull_request(scene.ctx, card_id, Wanted(seen=Seen(head, None)), PERSON)
    assert (github.tip(NAME, branch), github.pulls) == (None, [])
    await open_pull_request(scene.ctx, card_id, Wanted(seen=Seen(moved, None)), PERSON)
    assert github.tip(NAME, branch) == moved


async def test_a_branch_that_is_there_is_not_pushed_again(
    scene: Scene, github: ForgeServer
) -> None:
    repo = await forged_repo(scene, github)
    card_id, _ = await scene.in_review(repo)
    with pytest.raises(Conflict) as refused:
        await open_pull_request(scene.ctx, card_id, Wanted(push=False), PERSON)
    assert refused.value.code == "forge_refused"  # nobody pushed it
    branch = (await scene.card_row(card_id)).branch_name
    assert branch is not None
    assert github.tip(NAME, branch) is None


async def test_a_card_without_work_of_its_own_has_nothing_to_open(
    scene: Scene, github: ForgeServer
) -> None:
    repo = await forged_repo(scene, github)
    new = await scene.card(repo)
    working, job = await scene.working(repo)
    unchanged, other = await scene.working(repo)
    await scene.set_ref(repo, f"{other.push_prefix}head", other.base_sha)
    await scene.finish(other, head_sha=other.base_sha)
    for card_id, word in ((new, "no branch"), (working, "worked on"), (unchanged, "nothing")):
        with pytest.raises(Conflict, match=word) as refused:
            await open_pull_request(scene.ctx, card_id, Wanted(), PERSON)
        assert refused.value.code == "nothing_to_pull"
    assert job.task.card_id == working
    assert github.asked == []


async def test_without_a_token_nothing_is_pushed_and_the_way_out_is_told(
    scene: Scene, github: ForgeServer
) -> None:
    repo = await forged_repo(scene, github)
    await forget_token(scene.ctx, repo, PERSON)
    card_id, _ = await scene.in_review(repo)
    with pytest.raises(Conflict, match="repo forge") as refused:
        await open_pull_request(scene.ctx, card_id, Wanted(), PERSON)
    assert refused.value.code == "forge_token_wanted"
    branch = (await scene.card_row(card_id)).branch_name or ""
    assert github.tip(NAME, branch) is None
    draft = await draft_pull(scene.ctx, card_id)
    assert (draft["ready"], draft["code"]) == (False, "forge_token_wanted")
    assert draft["compare_url"] == f"{github.origin}/{NAME}/compare/main...{branch}?expand=1"


async def test_a_draft_asks_nobody(scene: Scene, github: ForgeServer) -> None:
    repo = await forged_repo(scene, github)
    card_id, _ = await scene.in_review(repo, description="Why.")
    draft = await draft_pull(scene.ctx, card_id)
    assert draft["ready"] is True
    assert (draft["title"], draft["base"], draft["repository"]) == ("Fix the login", "main", NAME)
    assert draft["body"] == "Why.\n\nLazyAF card #1\n"
    assert github.asked == []


async def test_a_host_that_nobody_knows_is_asked_for(scene: Scene, github: ForgeServer) -> None:
    repo = await forged_repo(scene, github)
    changes = {"settings": {"forge": None}}
    await edit_repo(scene.ctx, repo, changes, if_match=None, actor=PERSON)
    card_id, _ = await scene.in_review(repo)
    with pytest.raises(Conflict, match="under Forge") as refused:
        await open_pull_request(scene.ctx, card_id, Wanted(), PERSON)
    assert refused.value.code == "forge_unknown"
    draft = await draft_pull(scene.ctx, card_id)
    assert (draft["ready"], draft["code"]) == (False, "forge_unknown")


async def test_a_token_goes_to_the_forge_that_it_was_given_for_alone(
    scene: Scene, github: ForgeServer, tmp_path: Path
) -> None:
    repo = await forged_repo(scene, github)
    card_id, _ = await scene.in_review(repo)
    sealed = (await scene.repo_row(repo)).forge_secret
    with ForgeServer("github", tmp_path / "other") as other:
        changes = {"settings": {"forge_api_url": other.api_url}}
        await edit_repo(scene.ctx, repo, changes, if_match=None, actor=PERSON)
        assert (await scene.repo_row(repo)).forge_secret is None  # forgotten with its place
        await scene.db.write(_put_secret, repo, sealed)  # and of no use elsewhere
        with pytest.raises(Conflict) as refused:
            await open_pull_request(scene.ctx, card_id, Wanted(), PERSON)
        assert refused.value.code == "forge_token_wanted"
        assert other.asked == []


async def test_git_does_not_take_the_token_to_another_host(
    scene: Scene, github: ForgeServer, tmp_path: Path
) -> None:
    repo = await forged_repo(scene, github)
    card_id, _ = await scene.in_review(repo)
    sealed = (await scene.repo_row(repo)).forge_secret
    with ForgeServer("github", tmp_path / "other") as other:
        other.tokens[TOKEN] = "write"
        await edit_repo(
            scene.ctx, repo, {"remote_url": other.repo(NAME)}, if_match=None, actor=PERSON
        )
        await scene.db.write(_put_secret, repo, sealed)
        with pytest.raises(Conflict):
            await open_pull_request(scene.ctx, card_id, Wanted(), PERSON)
        branch = (await scene.card_row(card_id)).branch_name or ""
        assert other.tip(NAME, branch) is None


def _put_secret(tx: Tx, repo_id: str, sealed: bytes | None) -> None:
    update_repo(tx, get_repo(tx, repo_id), {"forge_secret": sealed})


async def test_gits_password_serves_where_a_person_says_so(
    scene: Scene, forge: ForgeServer
) -> None:
    repo = await forged_repo(scene, forge)
    await forget_token(scene.ctx, repo, PERSON)
    login = seal(scene.ctx.keys, repo, Login(forge.origin, "git", TOKEN))

    def put(tx: Tx) -> None:
        update_repo(tx, get_repo(tx, repo), {"remote_secret": login})

    await scene.db.write(put)
    card_id, _ = await scene.in_review(repo)
    assert (await open_pull_request(scene.ctx, card_id, Wanted(), PERSON))["pr_state"] == "open"
    asked = len(forge.asked)
    elsewhere = {"forge_shares_login": True, "forge_api_url": "http://elsewhere.example:9/api"}
    for settings in (elsewhere, {"forge_shares_login": False, "forge_api_url": forge.api_url}):
        await edit_repo(scene.ctx, repo, {"settings": settings}, if_match=None, actor=PERSON)
        with pytest.raises(Conflict) as refused:
            await open_pull_request(scene.ctx, card_id, Wanted(), PERSON)
        assert refused.value.code == "forge_token_wanted"
    assert len(forge.asked) == asked


async def test_git_does_not_use_the_token_unless_a_person_says_so(
    scene: Scene, github: ForgeServer
) -> None:
    repo = await forged_repo(scene, github)
    changes = {"settings": {"forge_shares_login": False}}
    await edit_repo(scene.ctx, repo, changes, if_match=None, actor=PERSON)
    card_id, _ = await scene.in_review(repo)
    with pytest.raises(LazyafError) as refused:
        await open_pull_request(scene.ctx, card_id, Wanted(), PERSON)
    assert not refused.value.code.startswith("forge_")
    assert github.pulls == []


@pytest.mark.parametrize("token", ["", "two words", "new\nline", "nul\0", "ü", "x" * 5000])
async def test_what_cannot_stand_in_a_header_is_no_token(
    scene: Scene, github: ForgeServer, token: str
) -> None:
    repo = await forged_repo(scene, github)
    with pytest.raises(Invalid):
        await keep_token(scene.ctx, repo, token, PERSON)


async def test_a_kept_token_can_be_tried(scene: Scene, forge: ForgeServer) -> None:
    repo = await forged_repo(scene, forge)
    tried = await try_token(scene.ctx, repo)
    assert (tried["repository"], tried["may_write"]) == (NAME, True)
    forge.tokens[TOKEN] = "read"
    assert "may not write" in (await try_token(scene.ctx, repo))["detail"]
    del forge.tokens[TOKEN]
    with pytest.raises(Conflict) as refused:
        await try_token(scene.ctx, repo)
    assert refused.value.code == "forge_token_refused"


async def test_a_card_that_was_merged_there_is_closed_and_nothing_is_merged_here(
    scene: Scene, forge: ForgeServer
) -> None:
    repo = await forged_repo(scene, forge)
    card_id, _ = await scene.in_review(repo)
    await open_pull_request(scene.ctx, card_id, Wanted(), PERSON)
    main = await scene.tip(repo, "main")
    with pytest.raises(Conflict) as early:
        await close_card(scene.ctx, card_id, PERSON)
    assert early.value.code == "pr_not_merged"
    forge.pulls[0].state = "merged"
    shown = await refresh_pull(scene.ctx, card_id, PERSON)
    assert (shown["status"], shown["pr_state"]) == ("in_review", "merged")
    assert (await scene.event_types())[-1] == "card.pull_request_changed"
    closed = await close_card(scene.ctx, card_id, PERSON)
    assert (closed["status"], closed["merged_sha"]) == ("done", None)
    assert await scene.tip(repo, "main") == main
    with pytest.raises(IllegalTransition):
        await close_card(scene.ctx, card_id, PERSON)


async def test_a_look_that_finds_nothing_new_writes_nothing(
    scene: Scene, github: ForgeServer
) -> None:
    repo = await forged_repo(scene, github)
    card_id, _ = await scene.in_review(repo)
    before = await open_pull_request(scene.ctx, card_id, Wanted(), PERSON)
    events = await scene.event_types()
    assert (await refresh_pull(scene.ctx, card_id, PERSON))["version"] == before["version"]
    assert await scene.event_types() == events


async def test_one_that_was_opened_elsewhere_is_followed_once_its_address_is_noted(
    scene: Scene, forge: ForgeServer
) -> None:
    repo = await forged_repo(scene, forge)
    card_id, _ = await scene.in_review(repo)
    branch = (await scene.card_row(card_id)).branch_name or ""
    there = forge.add_pull(NAME, branch, draft=True)
    url = {
        "github": f"/pull/{there.number}",
        "gitlab": f"/-/merge_requests/{there.number}",
        "gitea": f"/pulls/{there.number}",
    }[forge.kind]
    await _note(scene, card_id, f"{forge.origin}/{NAME}{url}")
    assert (await scene.card_row(card_id)).pr_state == "unknown"
    assert (await refresh_pull(scene.ctx, card_id, PERSON))["pr_state"] == "draft"
    await _note(scene, card_id, None)
    assert (await scene.card_row(card_id)).pr_state is None


async def _note(scene: Scene, card_id: str, url: str | None) -> None:
    await scene.db.write(edit_card, card_id, {"pr_url": url}, None, PERSON, scene.clock.now())


@pytest.mark.parametrize("url", ["javascript:alert(1)", "nothing", "https://ann:pw@host/x"])
async def test_what_is_no_page_is_not_noted(scene: Scene, url: str) -> None:
    card_id = await scene.card(await scene.repo())
    with pytest.raises(Invalid):
        await _note(scene, card_id, url)


async def test_another_repositorys_pull_request_is_nobodys_to_ask_for(
    scene: Scene, github: ForgeServer
) -> None:
    repo = await forged_repo(scene, github)
    card_id, _ = await scene.in_review(repo)
    for url in (None, f"{github.origin}/ada/other/pull/1", "https://github.com/ada/shop/pull/1"):
        await _note(scene, card_id, url)
        with pytest.raises(Conflict) as refused:
            await refresh_pull(scene.ctx, card_id, PERSON)
        assert refused.value.code == "no_pull_request"
    assert github.asked == []


async def test_a_card_that_is_gone_when_its_pull_request_is_open(
    scene: Scene, github: ForgeServer
) -> None:
    repo = await forged_repo(scene, github)
    card_id, _ = await scene.in_review(repo)
    await open_pull_request(scene.ctx, card_id, Wanted(), PERSON)
    await scene.db.write(delete_card, card_id, PERSON)
    with pytest.raises(LazyafError):
        await refresh_pull(scene.ctx, card_id, PERSON)
