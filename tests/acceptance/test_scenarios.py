"""Every scenario of ``scenarios/``, against a real server, its runners, git and Claude Code."""

from __future__ import annotations

import pytest

from acceptance.house import House
from acceptance.play import Play
from acceptance.scenario import Scenario, load

SCENARIOS = load()


@pytest.mark.claude
@pytest.mark.parametrize("scenario", SCENARIOS, ids=[each.name for each in SCENARIOS])
def test_scenario(house: House, scenario: Scenario) -> None:
    Play(house, scenario).run()
