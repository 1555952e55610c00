"""Open pull requests are followed: soon, seldom, and never in a storm. The clock stands still until told."""

from __future__ import annotations

from factories.forged import NAME, TOKEN, forged_repo
from factories.scene import Scene
from fakes.forge_server import ForgeServer
from lazyaf.domain.events import PERSON
from lazyaf.services.cards import delete_card, edit_card
from lazyaf.services.decide_card import reject_card
from lazyaf.services.follow_pulls import AT_ONCE, CLOSED, JITTER, SLOWER, SLOWEST, PullFollower
from lazyaf.services.forge_token import forget_token, keep_token
from lazyaf.services.pull_request import Wanted, open_pull_request, refresh_pull

EVERY = 60.0


class Followed:
    """Cards with open pull requests, their follower, and how often the forge was asked."""

    def __init__(self, scene: Scene, forge: ForgeServer, cards: list[str], repo: str) -> None:
        self.scene = scene
        self.forge = forge
        self.cards = cards
        self.repo = repo
        self.follower = PullFollower(scene.ctx, EVERY, random=lambda: 0.5)

    async def after(self, seconds: float) -> int:
        """How many requests a round makes when so much time has passed."""
        self.scene.clock.advance(seconds)
        before = len(self.forge.asked)
        await self.follower.look_at_due()
        return len(self.forge.asked) - before

    async def state(self, index: int = 0) -> tuple[str | None, str | None]:
        row = await self.scene.card_row(self.cards[index])
        return row.pr_state, row.pr_note


async def followed(scene: Scene, forge: ForgeServer, count: int = 1) -> Followed:
    repo = await forged_repo(scene, forge)
    cards = []
    for _ in range(count):
        card_id, _ = await scene.in_review(repo)
        await open_pull_request(scene.ctx, card_id, Wanted(), PERSON)
        cards.append(card_id)
    return Followed(scene, forge, cards, repo)


async def test_what_happens_there_is_told_here(scene: Scene, forge: ForgeServer) -> None:
    it = await followed(scene, forge)
    assert await it.after(0) == 0
    for state, draft, told in (
        ("open", True, "draft"),
        ("open", False, "open"),
        ("merged", False, "merged"),
    ):
        forge.pulls[0].state, forge.pulls[0].draft = state, draft
        assert await it.after(EVERY * (1 + JITTER)) == 1
        assert await it.state() == (told, None)
        assert (await scene.event_types())[-1] == "card.pull_request_changed"
    assert await it.after(EVERY * 1000) == 0  # it has ended


async def test_one_that_was_closed_is_asked_about_seldom_and_may_be_opened_again(
    scene: Scene, forge: ForgeServer
) -> None:
    it = await followed(scene, forge)
    assert await it.after(0) == 0
    forge.pulls[0].state = "closed"
    assert await it.after(EVERY) == 1
    assert await it.state() == ("closed", None)
    assert await it.after(EVERY) == 0  # seen as closed from here on, its next look half a span away
    assert await it.after(EVERY * CLOSED / 2) == 1
    assert await it.after(EVERY * CLOSED - 1) == 0
    forge.pulls[0].state = "open"
    assert await it.after(1) == 1
    assert await it.state() == ("open", None)
    assert await it.after(0) == 0
    assert await it.after(EVERY) == 1


async def test_what_a_person_was_told_meanwhile_is_held_against_the_forge(
    scene: Scene, github: ForgeServer
) -> None:
    it = await followed(scene, github)
    assert await it.after(0) == 0
    github.pulls[0].draft = True
    assert await it.after(EVERY) == 1
    github.pulls[0].draft = False
    await refresh_pull(scene.ctx, it.cards[0], PERSON)
    assert await it.state() == ("open", None)
    github.pulls[0].draft = True  # its answer is the one that was known before
    assert await it.after(EVERY) == 1
    assert await it.state() == ("draft", None)


async def test_one_that_was_closed_is_left_alone_once_its_card_is_no_longer_reviewed(
    scene: Scene, github: ForgeServer
) -> None:
    it = await followed(scene, github)
    assert await it.after(0) == 0
    github.pulls[0].state = "closed"
    assert await it.after(EVERY) == 1
    await reject_card(scene.ctx, it.cards[0], PERSON)
    assert await it.after(EVERY * CLOSED * 10) == 0


async def test_the_longer_nothing_happens_the_more_seldom_it_is_asked(
    scene: Scene, github: ForgeServer
) -> None:
    it = await followed(scene, github)
    assert await it.after(0) == 0
    assert await it.after(EVERY) == 1
    events = await scene.event_types()
    interval = EVERY
    for _ in range(12):
        interval = min(interval * SLOWER, EVERY * SLOWEST)
        assert await it.after(interval - 1) == 0
        assert await it.after(1) == 1
    assert interval == EVERY * SLOWEST
    assert await scene.event_types() == events
    conditions = [asked.headers.get("if-none-match") for asked in github.asked[-12:]]
    assert None not in conditions


async def test_after_a_sleep_a_few_are_asked_for_at_a_time(
    scene: Scene, github: ForgeServer
) -> None:
    it = await followed(scene, github, AT_ONCE + 3)
    assert await it.after(0) == 0
    assert await it.after(86_400) == AT_ONCE
    assert await it.after(5) == 3
    assert await it.after(5) == 0


async def test_a_restart_spreads_the_first_looks(scene: Scene, github: ForgeServer) -> None:
    it = await followed(scene, github, 4)
    rolls = iter([0.1, 0.3, 0.6, 0.9] + [0.5] * 20)
    it.follower = PullFollower(scene.ctx, EVERY, random=lambda: next(rolls))
    assert [await it.after(seconds) for seconds in (0, 10, 10, 20, 15)] == [0, 1, 1, 1, 1]


async def test_a_forge_that_has_enough_is_left_alone_for_as_long_as_it_says(
    scene: Scene, forge: ForgeServer
) -> None:
    it = await followed(scene, forge, 3)
    assert await it.after(0) == 0
    forge.said(429, {"message": "too much"}, Retry_After="600")
    assert await it.after(EVERY) == 1
    assert await it.after(599) == 0
    assert await it.state() == ("open", None)
    assert await it.after(1 + EVERY) == 3


async def test_a_forge_that_is_away_is_asked_ever_more_seldom(
    scene: Scene, github: ForgeServer
) -> None:
    it = await followed(scene, github, 2)
    assert await it.after(0) == 0
    for span in (EVERY, 2 * EVERY, 4 * EVERY):
        github.said(503)
        assert await it.after(span + EVERY) == 1
        assert await it.after(span - 1) == 0
    github.pulls[0].state = "closed"
    assert await it.after(5 * EVERY) == 2
    assert await it.state() == ("closed", None)


async def test_a_refusal_is_told_on_the_card_and_taken_back(
    scene: Scene, forge: ForgeServer
) -> None:
    it = await followed(scene, forge)
    assert await it.after(0) == 0
    del forge.tokens[TOKEN]
    assert await it.after(EVERY) == 1
    state, note = await it.state()
    assert state == "open"
    assert note is not None
    assert "does not accept the token" in note
    assert await it.after(EVERY * SLOWEST - 1) == 0  # it is not tried again and again
    forge.tokens[TOKEN] = "write"
    assert await it.after(1 + EVERY * SLOWEST * JITTER) == 1
    assert await it.state() == ("open", None)


async def test_without_a_token_nobody_is_asked_and_nobody_complains(
    scene: Scene, github: ForgeServer
) -> None:
    it = await followed(scene, github)
    await forget_token(scene.ctx, it.repo, PERSON)
    assert await it.after(0) == 0
    assert await it.after(EVERY) == 0
    assert await it.state() == ("open", None)
    await keep_token(scene.ctx, it.repo, TOKEN, PERSON)
    assert await it.after(EVERY * SLOWEST * 2) == 1


async def test_another_pull_request_of_the_card_is_looked_at_anew(
    scene: Scene, github: ForgeServer
) -> None:
    it = await followed(scene, github)
    assert await it.after(EVERY) == 0  # first seen now
    await it.after(EVERY)
    other = github.add_pull(NAME, "other", state="closed")
    url = {"pr_url": f"{github.origin}/{NAME}/pull/{other.number}"}
    await scene.db.write(edit_card, it.cards[0], url, None, PERSON, scene.clock.now())
    assert await it.after(0) == 0
    assert await it.after(EVERY) == 1
    assert await it.state() == ("closed", None)


async def test_a_deleted_card_is_followed_no_more(scene: Scene, github: ForgeServer) -> None:
    it = await followed(scene, github)
    assert await it.after(0) == 0
    await scene.db.write(delete_card, it.cards[0], PERSON)
    assert await it.after(EVERY * 100) == 0
