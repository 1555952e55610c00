"""A repository's settings: what has several lines keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from e2e.pictures import shoot_everywhere
from support.server import ServerProcess

SETUP = "npm ci\nnpm run build"


@pytest.fixture
def server(chromium: str, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server without runners, with a repository that has a setup command."""
    with ServerProcess(tmp_path / "data", {}, "--pool", "none") as running:
        running.client.post("/api/repos", json={"name": "shop"}).raise_for_status()
        setup = {"settings": {"setup_command": SETUP}}
        running.client.patch("/api/repos/shop", json=setup).raise_for_status()
        yield running


def test_a_person_lists_hosts_and_the_lines_of_setup_stay(
    server: ServerProcess, page: Page
) -> None:
    assert server.link is not None
    page.goto(server.link.replace("/#", "/r/shop/settings#"))
    setup, hosts = (
        page.get_by_label("Setup command"),
        page.get_by_label("Hosts that jobs may reach"),
    )
    expect(setup).to_have_value(SETUP)
    setup.press("Control+End")
    setup.press_sequentially(" --production")
    hosts.fill("127.0.0.1:80\n.example.org:*")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("no container ever reaches")).to_be_visible()
    hosts.scroll_into_view_if_needed()
    shoot_everywhere(page, "settings-containers", hosts)

    hosts.fill("registry.example.com\n.example.org:*")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="Discard changes")).to_be_hidden()
    settings = server.client.get("/api/repos/shop").json()["settings"]
    assert settings["setup_command"] == f"{SETUP} --production"
    assert settings["allowed_hosts"] == ["registry.example.com:443", ".example.org:*"]
    expect(hosts).to_have_value("registry.example.com:443\n.example.org:*")
