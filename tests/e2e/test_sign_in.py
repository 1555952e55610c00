"""Signing in with the password, as a person does it: wrong, right, from two browsers, and out again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from support.server import ServerProcess

PASSWORD = "correct horse battery"
CHANGED = "another good password"


@pytest.fixture
def server(chromium: str, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server with a password and the built UI."""
    (tmp_path / "password").write_text(PASSWORD)
    env = {"LAZYAF_PASSWORD_FILE": str(tmp_path / "password")}
    with ServerProcess(tmp_path / "data", env, "--pool", "none") as running:
        yield running


def sign_in(page: Page, password: str) -> None:
    field = page.get_by_label("Password")
    expect(field).to_be_focused()
    page.keyboard.type(password)
    page.keyboard.press("Enter")


def test_a_person_signs_in_looks_after_who_may_come_in_and_signs_out(
    server: ServerProcess, page: Page
) -> None:
    page.goto(f"{server.url}/settings")
    sign_in(page, "wrong horse battery")
    expect(page.get_by_role("alert")).to_have_text("This is not the password.")
    field = page.get_by_label("Password")
    expect(field).to_have_attribute("autocomplete", "current-password")
    field.fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Access")).to_be_visible()

    browser = page.context.browser
    assert browser is not None
    with browser.new_context() as elsewhere:
        other = elsewhere.new_page()
        other.goto(server.url)
        sign_in(other, PASSWORD)
        expect(other.get_by_role("heading", name="Bring a repository")).to_be_visible()
        page.reload()
        page.get_by_role("button", name="End Chrome on Linux").click()
        page.get_by_role("button", name="End session").click()
        expect(other.get_by_role("heading", name="Sign in")).to_be_visible()  # by itself

    page.get_by_label("Name of a new token").fill("the nightly script")
    page.get_by_role("button", name="Make a token").click()
    expect(page.get_by_text("It is shown this once.")).to_be_visible()
    page.get_by_role("button", name="I have it").click()
    page.get_by_role("button", name="Revoke the nightly script").click()
    page.get_by_role("button", name="Revoke token").click()
    expect(page.get_by_text("the nightly script")).to_have_count(0)

    page.get_by_role("button", name="Change password…").click()
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill(CHANGED)
    page.get_by_label("The new password again").fill(CHANGED)
    page.get_by_role("button", name="Change password").click()
    told = page.get_by_role("status").filter(has_text="The password is changed.")
    expect(told).to_have_count(1)

    page.reload()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.evaluate("localStorage.getItem('lazyaf.token')") is None
    sign_in(page, CHANGED)
    expect(page.get_by_role("heading", name="Bring a repository")).to_be_visible()
    assert page.context.cookies() == []
