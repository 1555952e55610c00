"""The list of agents."""

from __future__ import annotations

import pytest

from lazyaf.agents.registry import AGENTS, get, offers
from lazyaf.domain.errors import Invalid


def test_every_agent_answers_to_its_name() -> None:
    assert set(AGENTS) == {"claude", "script"}
    assert all(get(name).name == name for name in AGENTS)


def test_an_unknown_agent_is_told_the_known_ones() -> None:
    with pytest.raises(Invalid, match="Known: claude, script"):
        get("gpt")


def test_every_offer_that_is_missing_says_why_and_what_to_do() -> None:
    by_name = {offer.name: offer for offer in offers({"LAZYAF_CLAUDE_BIN": "/absent"})}

    assert by_name["script"].available
    assert not by_name["claude"].available
    assert by_name["claude"].reason == "LAZYAF_CLAUDE_BIN names /absent, which is no program."
    assert "npm install" in (by_name["claude"].fix or "")
