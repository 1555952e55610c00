"""Events know their family, and actors how they are written down."""

from __future__ import annotations

import pytest

from lazyaf.domain.events import PERSON, SERVER, Actor, EventType, family_of


@pytest.mark.parametrize("kind", list(EventType))
def test_each_type_has_a_family(kind: EventType) -> None:
    families = {
        "card_updated",
        "job_status",
        "runner_status",
        "repo_updated",
        "settings_updated",
    }
    assert family_of(kind) in families


def test_actors_as_text() -> None:
    texts = [str(actor) for actor in (SERVER, PERSON, Actor("runner", "local-1"))]
    assert texts == ["server", "person:you", "runner:local-1"]
