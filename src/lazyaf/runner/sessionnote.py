"""The note beside a card's HOME, out of the agent's reach: whose session it has, and up to which save."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lazyaf.runner.note import write_note


@dataclass(frozen=True, slots=True)
class SessionNote:
    """HOME has this session, and in it at least what the save ``kept`` has (None: it was never saved)."""

    session: str
    kept: str | None = None

    @classmethod
    def load(cls, path: Path) -> SessionNote | None:
        """The note at a path; None when there is none."""
        try:
            words = path.read_text("utf-8").split()
        except OSError:
            return None
        return cls(words[0], words[1] if len(words) > 1 else None) if words else None

    def save(self, path: Path) -> None:
        """Write it in one step."""
        write_note(path, "\n".join(word for word in (self.session, self.kept) if word))
