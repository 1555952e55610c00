"""What a runner must remember over its own death: the claim it made and what it has heard since.

One small file in the runner's state directory. The claim's number is repeated until its job is over, so
that a runner that was killed gets the same job and the same lease again (rule R12); neither the lease
nor any credential is written down.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from lazyaf.protocol.messages import Job
from lazyaf.runner.note import write_note
from lazyaf.runner.workspace import safe_name


class _Remembered(BaseModel):
    """The file's content."""

    model_config = ConfigDict(extra="ignore", validate_assignment=True)

    claim_id: str
    job_id: str | None = None
    heard: int = 0
    shown: int = 0


class State:
    """The state directory of one runner."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = directory / "claim.json"
        self._outboxes = directory / "outbox"
        self._now = self._load() or _Remembered(claim_id=uuid.uuid4().hex)
        self.former_instance: str | None = None
        self._save()

    @property
    def lock_path(self) -> Path:
        """Held for as long as the runner lives."""
        return self._directory / "lock"

    @property
    def claim_id(self) -> str:
        """The claim to make, or to make again."""
        return self._now.claim_id

    @property
    def job_id(self) -> str | None:
        """The job that this runner is at."""
        return self._now.job_id

    @property
    def heard_up_to(self) -> int:
        """Up to which number commands for the job were dealt with."""
        return self._now.heard

    @property
    def shown_up_to(self) -> int:
        """Up to which number messages stand in the log."""
        return self._now.shown

    def outbox_path(self, job: Job) -> Path:
        """Where the entries of an attempt wait."""
        return self._outboxes / f"{safe_name(job.job_id)}-{job.attempt}.jsonl"

    def note_instance(self, instance_id: str) -> None:
        """Leave this process's instance where the pool and the next process find it. Only who holds
        the lock may: the one whose instance stood there is dead then."""
        path = self._directory / "instance"
        with contextlib.suppress(OSError):
            self.former_instance = path.read_text("utf-8").strip() or None
        write_note(path, f"{instance_id}\n")

    def connected_until(self, moment: float) -> None:
        """The server was heard; until then, a time of the wall clock, it counts this runner as there.

        Left as the time of a file, for whoever asks from outside how the runner is.
        """
        path = self._directory / "connected-until"
        with contextlib.suppress(OSError):  # a full disk is told of by what needs it
            path.touch()
            os.utime(path, (moment, moment))

    def began(self, job: Job) -> None:
        """This job was claimed. What was heard for an earlier attempt at it counts."""
        if self._now.job_id != job.job_id:
            self._now = _Remembered(claim_id=self._now.claim_id, job_id=job.job_id)
            self._save()
        for path in self._outboxes.glob("*.jsonl"):
            if path != self.outbox_path(job):
                path.unlink()  # of an attempt that was lost: nobody takes its entries any more

    def heard(self, command_id: int) -> None:
        """Commands up to this one were dealt with."""
        self._now.heard = command_id
        self._save()

    def shown(self, command_id: int) -> None:
        """Messages up to this one stand in the log."""
        self._now.shown = command_id
        self._save()

    def done(self) -> None:
        """The claim is answered and its job over here; the next claim is a new one."""
        self._now = _Remembered(claim_id=uuid.uuid4().hex)
        self._save()

    def _load(self) -> _Remembered | None:
        with contextlib.suppress(OSError, ValidationError):
            return _Remembered.model_validate_json(self._path.read_bytes())
        return None

    def _save(self) -> None:
        write_note(self._path, self._now.model_dump_json())
