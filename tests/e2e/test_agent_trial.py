"""Settings: whether an agent answers, and what is wrong when it does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from acceptance.house import KEY, House, environment
from e2e.axe import complaints
from e2e.pictures import shoot_everywhere
from fakes.model_server import ModelServer
from support.server import ServerProcess


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        ("no-changes", "Claude Code answered in"),
        ("unauthorized", "The API key was refused (401). Check ANTHROPIC_API_KEY"),
    ],
)
def test_an_agent_is_tested(
    chromium: str, model: ModelServer, tmp_path: Path, page: Page, scenario: str, said: str
) -> None:
    server = ServerProcess(tmp_path / "data", environment(model, scenario), "--pool", "none")
    house = House(server, model, tmp_path).start()
    try:
        assert server.link is not None
        page.goto(server.link.replace("/#", "/settings#"))
        page.get_by_role("button", name="Test it: Claude Code").click()
        answer = page.get_by_role("status").filter(has_text=said)
        expect(answer).to_be_visible()
        shoot_everywhere(page, f"agent-test-{scenario}", answer)
        assert complaints(page) == []
        assert KEY not in server.log_path.read_text(errors="replace")
    finally:
        house.end()
