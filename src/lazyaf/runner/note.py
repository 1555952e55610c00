"""Small files in which a runner notes what the next process should know."""

from __future__ import annotations

from pathlib import Path

import structlog

log = structlog.get_logger(__name__)


def write_note(path: Path, text: str) -> None:
    """Replace a note in one step. A disk that takes none is borne: the note only spares work to who
    comes after a crash, and the work of now goes on without it."""
    fresh = path.with_suffix(f"{path.suffix}.new")
    try:
        fresh.write_text(text, "utf-8")
        fresh.replace(path)
    except OSError as error:
        log.warning("note.not_written", path=str(path), error=str(error))
