"""The note that says up to which save a HOME has a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from lazyaf.runner.sessionnote import SessionNote


@pytest.mark.parametrize("note", [SessionNote("s-1"), SessionNote("s-1", "a" * 40)])
def test_it_is_read_as_it_was_written(tmp_path: Path, note: SessionNote) -> None:
    note.save(tmp_path / "card.session")

    assert SessionNote.load(tmp_path / "card.session") == note


def test_one_that_is_missing_or_empty_is_none(tmp_path: Path) -> None:
    assert SessionNote.load(tmp_path / "card.session") is None
    (tmp_path / "card.session").touch()
    assert SessionNote.load(tmp_path / "card.session") is None


def test_one_of_an_older_runner_says_nothing_of_saves(tmp_path: Path) -> None:
    (tmp_path / "card.session").write_text("s-1")

    assert SessionNote.load(tmp_path / "card.session") == SessionNote("s-1")
