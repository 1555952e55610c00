"""Speaking to an agent at work, in the browser: a message that it hears, and an interruption it wakes up from."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from acceptance.house import House
from e2e.axe import complaints
from e2e.pictures import shoot_everywhere

REPO = "shop"
GATE = "speaking"


def test_a_person_speaks_to_the_agent_and_interrupts_it(house: House, page: Page) -> None:
    house.repository(REPO)
    card = house.claude(REPO, "Think twice", scenario="slow", gate=GATE)
    house.board.command(card, "start")
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", f"/r/{REPO}/c/1#"))
    activity = page.get_by_role("log", name="Activity")
    speak = page.get_by_role("form", name="Speak to the agent")
    message = speak.get_by_role("textbox", name="Message to claude")
    house.model.wait_until_waiting(GATE)

    expect(speak.get_by_role("button", name="Send")).to_be_disabled()
    message.fill("Mind the tests.")
    page.keyboard.press("Control+Enter")
    expect(speak).to_contain_text("Sent. The agent reads it at its next step.")
    expect(message).to_have_value("")
    expect(activity.get_by_text("You", exact=True)).to_be_visible()
    expect(activity).to_contain_text("Mind the tests.")
    shoot_everywhere(page, "speaking", speak)
    assert complaints(page) == []

    # What is half written outlives the page.
    message.fill("And the names")
    page.reload()
    expect(message).to_have_value("And the names")
    speak.get_by_role("button", name="Interrupt").click()
    expect(speak).to_contain_text("Interrupted. The agent waits for your word.")
    expect(activity).to_contain_text("The agent waits for a message")
    assert house.board.card(card)["status"] == "in_progress"
    house.model.release(GATE)
    speak.get_by_role("button", name="Send").click()

    house.board.wait_for(card, "in_review")
    expect(speak).to_have_count(0)
    said = house.asked("Think twice")[-1].said
    assert "Mind the tests." in said
    assert "And the names" in said


def test_an_agent_that_cannot_hear_says_so(house: House, page: Page) -> None:
    house.repository(REPO)
    card = house.script(REPO, "Wait", "until [ -e go ]; do sleep 0.05; done")
    house.board.command(card, "start")
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", f"/r/{REPO}/c/1#"))
    speak = page.get_by_role("form", name="Speak to the agent")
    expect(speak).to_contain_text("The script agent cannot be spoken to while it runs.")
    expect(speak.get_by_role("textbox")).to_have_count(0)
    page.get_by_role("button", name="Stop").click()
    house.board.wait_for(card, "todo")
