"""Two people at the same card: exactly one wins, the other is told clearly."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2

from acceptance.house import House
from support.history import git, parents, tip

ROUNDS = 5


async def both(house: House, *asked: tuple[str, dict[str, Any] | None]) -> list[httpx2.Response]:
    """POST all of these at once, each on a connection of its own that is already open."""
    headers = {"Authorization": f"Bearer {house.server.token}"}
    clients = [
        httpx2.AsyncClient(base_url=house.server.url, headers=headers, trust_env=False, timeout=30)
        for _ in asked
    ]
    try:
        await asyncio.gather(*(client.get("/api/health") for client in clients))
        return list(
            await asyncio.gather(
                *(
                    client.post(path, json=body)
                    for client, (path, body) in zip(clients, asked, strict=True)
                )
            )
        )
    finally:
        await asyncio.gather(*(client.aclose() for client in clients))


def require_one_winner(answers: list[httpx2.Response], said: str) -> None:
    """One 200; every other a 409 whose sentence says what is going on."""
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [200] + [409] * (len(answers) - 1), [answer.text for answer in answers]
    for answer in answers:
        if answer.status_code == 409:
            problem = answer.json()
            assert answer.headers["content-type"] == "application/problem+json"
            assert said in problem["detail"].lower(), problem
            assert problem["code"]


async def test_of_two_starts_one_wins(house: House) -> None:
    house.repository("two-starts")
    for number in range(ROUNDS):
        card = house.script("two-starts", f"Start {number}", "true")
        path = f"/api/cards/{card}/start"
        answers = await both(house, (path, None), (path, None))

        require_one_winner(answers, "already being worked on")
        house.board.wait_for(card, "in_review")
        assert len(house.board.get(f"/api/cards/{card}/jobs")["items"]) == 1


async def test_of_two_approvals_one_wins_and_there_is_one_merge(house: House) -> None:
    house.repository("two-approvals")
    internal = house.internal("two-approvals")
    for number in range(ROUNDS):
        card = house.script("two-approvals", f"Approve {number}", f"echo {number} > {number}.txt")
        house.board.command(card, "start")
        head = house.board.wait_for(card, "in_review")["head_sha"]
        before = tip(internal, "main")
        path, body = f"/api/cards/{card}/approve", {"head_sha": head}
        answers = await both(house, (path, body), (path, body))

        require_one_winner(answers, "done")
        assert house.board.card(card)["status"] == "done"
        assert parents(internal, tip(internal, "main")) == [before, head]


async def test_approve_and_reject_at_once(house: House) -> None:
    house.repository("yes-and-no")
    internal = house.internal("yes-and-no")
    for number in range(ROUNDS):
        card = house.script("yes-and-no", f"Decide {number}", f"echo {number} > {number}.txt")
        house.board.command(card, "start")
        head = house.board.wait_for(card, "in_review")["head_sha"]
        answers = await both(
            house,
            (f"/api/cards/{card}/approve", {"head_sha": head}),
            (f"/api/cards/{card}/reject", None),
        )

        require_one_winner(answers, "card")
        status = house.board.card(card)["status"]
        merged = head in git(internal, "rev-list", "main").split()
        assert (status == "done") is merged


async def test_cards_approved_at_once_are_all_merged(house: House) -> None:
    """Different cards race for the same base branch: the loser merges again, nobody is refused."""
    house.repository("four-cards")
    cards = [house.script("four-cards", f"Card {n}", f"echo {n} > {n}.txt") for n in range(4)]
    for card in cards:
        house.board.command(card, "start")
    heads = [house.board.wait_for(card, "in_review")["head_sha"] for card in cards]
    answers = await both(
        house,
        *(
            (f"/api/cards/{card}/approve", {"head_sha": head})
            for card, head in zip(cards, heads, strict=True)
        ),
    )

    assert [answer.status_code for answer in answers] == [200] * 4, [a.text for a in answers]
    files = git(house.internal("four-cards"), "ls-tree", "--name-only", "main").split()
    assert {f"{n}.txt" for n in range(4)} <= set(files)
