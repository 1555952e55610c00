"""A page whose network goes while an agent talks, or whose server does: it says so, comes back by itself, and
shows every entry once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from acceptance.house import House
from e2e.pictures import shoot_everywhere
from faults.wire import Wire

LINES: Final = 60
"""In all; a third of them each while it is plugged in, while it is not, and afterwards."""
COMMAND: Final = f"""
touch here
for last in {LINES // 3} {2 * LINES // 3} {LINES}; do
    [ $last -eq {LINES // 3} ] || until [ -e to-$last ]; do sleep 0.05; done
    seq -f 'line %.0f.' $((last - {LINES // 3 - 1})) $last
done
"""
LOST: Final = "The server does not answer."
LONG_MS: Final = 60_000
"""More than a silent connection is given."""


@pytest.fixture
def wire(house: House) -> Iterator[Wire]:
    """The network between the browser and the server."""
    with Wire("browser", house.server.port) as wire:
        yield wire


def opened(house: House, page: Page, port: int) -> str:
    """A card whose agent talks, on the screen by this port; its id."""
    house.repository("shop")
    card = house.script("shop", "Talk", COMMAND)
    house.board.command(card, "start")
    assert house.server.link is not None
    link = house.server.link.replace(f":{house.server.port}", f":{port}")
    page.goto(link.replace("/#", "/r/shop/c/1#"))
    expect(page.get_by_role("log", name="Activity")).to_contain_text(f"line {LINES // 3}.")
    return card


def heard(page: Page) -> list[int]:
    """The numbers of the lines that the page shows."""
    said = page.get_by_role("log", name="Activity").inner_text()
    return [int(number) for number in re.findall(r"line (\d+)\.", said)]


@pytest.mark.parametrize("pull", [Wire.cut, Wire.silence], ids=["cut", "half-open"])
def test_without_a_network_nothing_is_missed_or_doubled(
    house: House, page: Page, wire: Wire, pull: Callable[[Wire], None]
) -> None:
    page.clock.install()
    card = opened(house, page, wire.port)
    pull(wire)
    go_on(house, card, until_line=2 * LINES // 3)
    page.clock.run_for(LONG_MS)
    expect(page.get_by_role("dialog").get_by_text(LOST)).to_be_visible()
    expect(page.get_by_text("reconnecting")).to_be_visible()
    shoot_everywhere(page, f"unplugged-{pull.__name__}", page.get_by_text("reconnecting"))
    assert heard(page) == list(range(1, LINES // 3 + 1))

    wire.replace()
    expect(page.get_by_text(LOST)).to_have_count(0)
    expect(page.get_by_role("log", name="Activity")).to_contain_text(f"line {2 * LINES // 3}.")
    finish(house, page, card)


def test_a_card_that_ends_meanwhile_is_where_it_belongs(
    house: House, page: Page, wire: Wire
) -> None:
    card = opened(house, page, wire.port)
    wire.cut()
    expect(page.get_by_role("dialog").get_by_text(LOST)).to_be_visible()
    go_on(house, card, until_line=2 * LINES // 3)
    go_on(house, card, until_line=LINES)
    house.board.wait_for(card, "in_review")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    wire.mend()
    expect(page.get_by_role("button", name="Request changes")).to_be_visible()
    expect(page.get_by_text("Finished", exact=True)).to_be_visible()
    expect(page.get_by_role("log", name="Activity")).to_contain_text(f"line {LINES}.")
    assert heard(page) == list(range(1, LINES + 1))


def test_a_server_that_restarts_is_waited_for(house: House, page: Page) -> None:
    card = opened(house, page, house.server.port)
    house.server.kill()
    expect(page.get_by_role("dialog").get_by_text(LOST)).to_be_visible()
    house.start()
    expect(page.get_by_text(LOST)).to_have_count(0)
    go_on(house, card, until_line=2 * LINES // 3)
    expect(page.get_by_role("log", name="Activity")).to_contain_text(f"line {2 * LINES // 3}.")
    finish(house, page, card)


def go_on(house: House, card: str, *, until_line: int) -> None:
    """Let the agent say its next lines, and wait until the server has them."""
    (house.tree_of("here") / f"to-{until_line}").touch()
    house.board.wait_for_output(card, f"line {until_line}.")


def finish(house: House, page: Page, card: str) -> None:
    """Let the agent come to its end while the page looks on; every line is there, and once."""
    go_on(house, card, until_line=LINES)
    house.board.wait_for(card, "in_review")
    expect(page.get_by_role("button", name="Request changes")).to_be_visible()
    expect(page.get_by_text("Finished", exact=True)).to_be_visible()
    assert heard(page) == list(range(1, LINES + 1))
