"""A card's pull request from one end to the other: a real runner's work, a real bare remote behind git's own HTTP
server, and a forge's API that is emulated over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from acceptance.house import House
from fakes.forge_server import FakePull, ForgeServer
from support.history import git, make_repository, parents, tip
from support.waiting import until

REPO: Final = "shop"
NAME: Final = "ada/shop"
TOKEN: Final = "s3cret-of-the-forge"
TITLE: Final = "Say when we are open"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Somebody's clone of what is on the forge."""
    return make_repository(tmp_path / "work", commits=3, files={"readme.md": "Shop\n"})


@pytest.fixture(params=["github", "gitlab"])
def forge(request: pytest.FixtureRequest, tmp_path: Path, work: Path) -> Iterator[ForgeServer]:
    """A forge that has it."""
    with ForgeServer(request.param, tmp_path / "forge") as running:
        running.tokens[TOKEN] = "write"
        running.repo(NAME)
        git(work, "push", "-q", str(running.git_dir(NAME)), "main")
        yield running


@pytest.fixture
def house(build: Callable[..., House], forge: ForgeServer) -> House:
    """A server that follows pull requests closely, and the repository with the forge's token."""
    house = build(runners=1, LAZYAF_FOLLOW_PULLS="0.2").start()
    body = {"url": f"{forge.origin}/{NAME}.git", "name": REPO, "password": TOKEN}
    house.board.post("/api/repos/import", body)
    until(lambda: house.board.get(f"/api/repos/{REPO}")["import_state"] == "ready", "it is here")
    told = ("--kind", forge.kind, "--api-url", forge.api_url, "--set-token", "--test")
    assert "may write there" in house.cli("repo", "forge", REPO, *told, stdin=f"{TOKEN}\n")
    return house


def reviewed(house: House) -> str:
    """A card whose work waits for a person."""
    card = house.script(
        REPO, TITLE, "echo 'From nine to five' > hours.txt", description="People ask."
    )
    house.board.command(card, "start")
    house.board.wait_for(card, "in_review")
    return card


def opened(house: House, forge: ForgeServer, card: str) -> tuple[dict[str, Any], FakePull]:
    """The card with its pull request, and what the forge has of it."""
    shown = house.board.command(card, "pull-request")
    return shown, forge.pulls[-1]


def follow(house: House, card: str, state: str) -> None:
    """Wait until the card says that its pull request is so."""
    house.board.explained(
        card, lambda: house.board.card(card)["pr_state"] == state, f"it is {state}"
    )


def merge_there(work: Path, forge: ForgeServer, pull: FakePull) -> str:
    """What a person does on the forge; the merge commit."""
    there = str(forge.git_dir(NAME))
    git(work, "pull", "-q", "--no-rebase", "--no-ff", "--no-edit", there, pull.branch)
    git(work, "push", "-q", there, "main")
    pull.state = "merged"
    return tip(work, "main")


def test_it_is_opened_merged_there_and_the_card_follows(
    house: House, forge: ForgeServer, work: Path
) -> None:
    board = house.board
    card = reviewed(house)
    shown, pull = opened(house, forge, card)
    assert (pull.title, pull.branch, pull.base) == (TITLE, shown["branch_name"], "main")
    assert pull.body.startswith("People ask.")
    assert forge.tip(NAME, pull.branch) == shown["head_sha"]
    assert shown["pr_state"] == "open"
    assert opened(house, forge, card)[0]["pr_url"] == shown["pr_url"]
    assert len(forge.pulls) == 1
    early = house.try_cli("card", "close", REPO, str(shown["number"]))
    assert (early.returncode != 0, "not known to be merged" in early.stderr) == (True, True)

    pull.draft = True
    follow(house, card, "draft")
    pull.draft = False
    follow(house, card, "open")
    merged = merge_there(work, forge, pull)
    follow(house, card, "merged")
    assert board.card(card)["status"] == "in_review"  # a person says that it is done

    house.cli("card", "close", REPO, str(shown["number"]))
    done = board.card(card)
    assert (done["status"], done["merged_sha"]) == ("done", None)
    before = tip(house.internal(REPO), "main")
    assert "main was brought forward by 2 commits." in house.cli("repo", "fetch", REPO)
    assert tip(house.internal(REPO), "main") == merged
    assert parents(house.internal(REPO), merged) == [before, shown["head_sha"]]


def test_a_server_that_was_away_meanwhile_hears_of_it(
    house: House, forge: ForgeServer, work: Path
) -> None:
    card = reviewed(house)
    _, pull = opened(house, forge, card)
    house.server.kill()
    merge_there(work, forge, pull)
    house.start()
    follow(house, card, "merged")


def test_one_that_was_closed_is_opened_again_or_replaced(house: House, forge: ForgeServer) -> None:
    card = reviewed(house)
    shown, pull = opened(house, forge, card)
    pull.state = "closed"
    follow(house, card, "closed")
    pull.state = "open"
    again = house.board.command(card, "pull-request/refresh")
    assert (again["pr_state"], again["pr_url"]) == ("open", shown["pr_url"])
    pull.state = "closed"
    follow(house, card, "closed")
    another, second = opened(house, forge, card)
    assert (another["pr_state"], second is pull, len(forge.pulls)) == ("open", False, 2)
    assert another["pr_url"] != shown["pr_url"]
