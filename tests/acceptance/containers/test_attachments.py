"""Files that came with a card, in a container: they are fetched there, and Claude Code sees a picture."""

from __future__ import annotations

import pytest

from acceptance.containers.conftest import Launch
from support.picture import png

LOOK = """
cp "$CARD_ATTACHMENTS/notes.txt" copied.txt
touch "$CARD_ATTACHMENTS/mine" || echo "cannot add"
echo more >> "$CARD_ATTACHMENTS/notes.txt" || echo "cannot change"
"""


def test_attached_files_are_there_and_cannot_be_changed(launch: Launch) -> None:
    fleet = launch(runners=1)
    fleet.repository("shop")
    card = fleet.script("shop", "Look", LOOK)
    fleet.board.attach(card, "notes.txt", b"what to do\n")
    fleet.board.command(card, "start")
    fleet.board.wait_for(card, "in_review")
    assert fleet.board.changes(card) == {"copied.txt": ["+what to do"]}
    said = "\n".join(fleet.board.output(card))
    assert "cannot add" in said
    assert "cannot change" in said


@pytest.mark.claude
def test_claude_looks_at_an_attached_picture(launch: Launch) -> None:
    fleet = launch(runners=1)
    fleet.repository("shop")
    card = fleet.claude("shop", "Look at it", scenario="look-at-files")
    fleet.board.attach(card, "shot.png", png())
    fleet.board.command(card, "start")
    fleet.board.wait_for(card, "in_review")
    (result,) = fleet.asked("Look at it")[-1].results
    (block,) = result["content"]
    assert block["type"] == "image"
    assert block["source"]["media_type"] == "image/png"
