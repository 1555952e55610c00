"""``lazyaf card add --attach`` and ``lazyaf card attach``."""

from __future__ import annotations

from pathlib import Path

from support.commandline import Git, Lazyaf


def test_files_are_attached_to_a_new_card_and_to_a_known_one_and_its_agent_reads_them(
    working: Lazyaf, board: str, tmp_path: Path
) -> None:
    spec, shot = tmp_path / "spec.txt", tmp_path / "shot.png"
    spec.write_text("what is wanted\n")
    shot.write_bytes(b"\x89PNG\r\n\x1a\n")
    script = 'cat "$CARD_ATTACHMENTS"/*.txt > wanted.txt; ls "$CARD_ATTACHMENTS"'
    added = working.json("card", "add", board, "-t", "T", "--command", script, "--attach", spec)
    attached = working("card", "attach", board, added["number"], shot, spec)
    assert attached.exit_code == 0, attached.output
    assert "shot.png (8 bytes) is attached to #1." in attached.output
    shown = working("card", "show", board, 1).stdout
    assert "Attached:  spec.txt (15 bytes), shot.png (8 bytes)" in shown

    working("card", "start", board, 1)
    followed = working("card", "log", board, 1, "--follow")
    assert "shot.png" in followed.output
    card = working.json("card", "show", board, 1)
    assert (card["status"], card["live"]["files"]) == ("in_review", 1)


def test_a_card_whose_file_is_refused_is_there_and_not_started(
    lazyaf: Lazyaf, checkout: Git, name: str, tmp_path: Path
) -> None:
    lazyaf("ingest", checkout.path)
    large, empty = tmp_path / "large.bin", tmp_path / "empty.txt"
    large.write_bytes(b"x" * 10_000_001)
    empty.touch()
    refused = lazyaf("card", "add", name, "-t", "T", "--start", "--attach", large)
    assert refused.exit_code == 1
    assert "#1 was added, and not started. “large.bin” is not attached: " in refused.output
    assert f"lazyaf card attach {name} 1 FILE" in refused.output
    assert lazyaf.json("card", "show", name, 1)["status"] == "todo"
    assert "“empty.txt” is empty" in lazyaf("card", "attach", name, 1, empty).output
    assert lazyaf("card", "attach", name, 1, tmp_path / "none").exit_code == 2
