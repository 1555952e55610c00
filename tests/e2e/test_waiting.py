"""While something is read the page keeps its shape, and what is empty says what to do."""

from __future__ import annotations

from playwright.sync_api import Page, Route, expect

from acceptance.house import House
from e2e.axe import complaints
from e2e.pictures import shoot_everywhere

# Whether the first of these shapes may be seen yet: only its own style, never the clock, says so.
DELAY = (
    "(shape) => { const s = getComputedStyle(shape); return [s.animationName, s.animationDelay]; }"
)


def test_a_board_that_is_slow_to_come_has_a_shape_after_a_moment(house: House, page: Page) -> None:
    house.repository("shop")
    house.script("shop", "Here at last", "true")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/repos/*/cards*", hold)
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", "/r/shop#"))
    shapes = page.get_by_role("region", name="To Do").locator(".late")
    expect(shapes).to_have_count(3)
    assert shapes.first.evaluate(DELAY) == ["late", "0.15s"]
    expect(page.get_by_text("Write down what an agent should do")).to_have_count(0)
    shoot_everywhere(page, "skeleton", shapes.first)

    assert held
    page.unroute_all()  # lets those go that were held
    expect(page.get_by_role("link", name="Here at last")).to_be_visible()
    expect(shapes).to_have_count(0)


def test_an_empty_board_teaches_and_a_filter_that_hides_all_says_so(
    house: House, page: Page
) -> None:
    house.repository("shop")
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", "/r/shop#"))
    todo = page.get_by_role("region", name="To Do")
    expect(todo).to_contain_text("what should be true when it is done")
    shoot_everywhere(page, "empty-board", todo.get_by_text("Write down"))
    assert complaints(page) == []
    todo.get_by_role("button", name="New card").last.click()
    page.get_by_role("dialog").get_by_label("Title").fill("One")
    page.get_by_role("dialog").get_by_label("Agent").select_option("script")
    page.get_by_role("dialog").get_by_label("Command").fill("true")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("link", name="One")).to_be_visible()

    page.get_by_role("textbox", name="Filter").fill("nothing like that")
    expect(page.get_by_text("No card passes this filter.")).to_be_visible()
    page.get_by_role("button", name="Clear the filter").last.click()
    expect(page.get_by_role("link", name="One")).to_be_visible()
