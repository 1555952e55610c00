"""The note beside a work tree that says whose it is and how far it has come.

It lies outside the tree, where no agent can write. With ``result`` the agent is done and only pushing
and finishing are left: a runner that takes the tree up does not run the agent again.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from lazyaf.domain.jobs import StopReason
from lazyaf.protocol.entries import Usage
from lazyaf.runner.note import write_note


class Result(BaseModel):
    """What the work came to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stop_reason: StopReason
    error: str | None = None
    usage: Usage | None = None
    session: str | None = None


class Marker(BaseModel):
    """``attempt`` is the one that works here, on the card's ``branch``; ``start`` the commit on which its
    work began, ``recorded``
    what the server has last recorded of it (the tip and the checkpoint), ``cache`` the directory it borrows
    objects from, ``conflicts`` the paths in which the base does not merge. Without ``is_made`` the tree is half made
    and no agent has seen it; ``is_set_up`` says that the setup command has succeeded in it. ``waits_until``
    is when the agent's model takes work again (seconds since 1970), while the job waits for that; ``worked_s``
    is for how long this attempt has worked."""

    model_config = ConfigDict(extra="ignore", validate_assignment=True)

    job_id: str
    start: str
    branch: str = ""
    attempt: int = 0
    recorded: tuple[str, str | None] | None = None
    cache: str = ""
    conflicts: list[str] = []
    session: str | None = None
    is_made: bool = True
    is_set_up: bool = False
    waits_until: float | None = None
    worked_s: float = 0.0
    result: Result | None = None

    @classmethod
    def load(cls, path: Path) -> Marker | None:
        """The marker at a path; None when there is none that can be read."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            return None

    def cache_or(self, other: Path) -> Path:
        """The directory it borrows from, or ``other`` when that is no more."""
        return Path(self.cache) if Path(self.cache).is_dir() else other

    def save(self, path: Path) -> None:
        """Write it in one step."""
        write_note(path, self.model_dump_json())


def borrowed_caches(trees: Path) -> list[Path]:
    """The cache directories that some work tree borrows objects from."""
    markers = (Marker.load(path) for path in trees.glob("*/job.json"))
    return [Path(marker.cache) for marker in markers if marker is not None]
