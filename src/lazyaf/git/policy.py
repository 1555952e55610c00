"""What one credential may do to one repository over git, and how that is said to git.

The transport builds a `PushPolicy` per request; what it forbids is decided from the push commands
before anything is spawned, and what it may see becomes hidden refs of the child (R7, R16).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from lazyaf.git.pktline import ZERO, Command, PushRequest
from lazyaf.git.refs import HEADS, TAGS

LEGACY_COMPLAINTS: Final = (
    "badDate",
    "badDateOverflow",
    "badEmail",
    "badTimezone",
    "missingEmail",
    "missingNameBeforeEmail",
    "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail",
    "multipleAuthors",
    "zeroPaddedDate",
    "zeroPaddedFilemode",
)
"""What old histories are full of and harms nobody; path and .gitmodules checks are not among it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushPolicy:
    """The rights of one request.

    ``own_prefix`` makes it a job's: it writes only below that prefix
    (``refs/lazyaf/jobs/<job>/<attempt>/``; without the last slash also that ref itself), deletes
    nothing, and sees besides branches and tags only the refs of its own job. ``create_only`` is what is left of a lost lease. ``protected``
    are shell patterns of branch names. ``still_allowed`` is asked again after the upload.
    """

    allow_push: bool = True
    own_prefix: str | None = None
    create_only: bool = False
    protected: tuple[str, ...] = ()
    max_input_size: int = 2 * 1024**3
    still_allowed: Callable[[], Awaitable[bool]] | None = None

    @property
    def visible(self) -> tuple[str, ...]:
        """The prefixes of the refs that this request may see."""
        own = () if self.own_prefix is None else ("/".join(self.own_prefix.split("/")[:4]) + "/",)
        return (HEADS, TAGS, *own)

    def settings(self, hooks: str) -> list[tuple[str, str]]:
        """The settings of the git child; ``hooks`` is the directory of the only hooks it runs."""
        settings = [
            ("core.hooksPath", hooks),
            ("gc.auto", "0"),
            ("receive.autogc", "false"),
            ("receive.fsckObjects", "true"),
            ("receive.maxInputSize", str(self.max_input_size)),
            ("receive.advertisePushOptions", "true"),
            ("uploadpack.allowFilter", "true"),
            ("transfer.hideRefs", "refs"),
        ]
        settings += [("transfer.hideRefs", f"!{prefix.rstrip('/')}") for prefix in self.visible]
        if self.own_prefix is None:
            settings += [(f"receive.fsck.{name}", "warn") for name in LEGACY_COMPLAINTS]
        return settings

    def judge(self, request: PushRequest) -> str | None:
        """Why this push is refused, in one sentence, or None."""
        for command in request.commands:
            sentence = self._judge(command)
            if sentence is not None:
                return sentence
        return None

    def _judge(self, command: Command) -> str | None:
        old, new, ref = command
        if not ref.isprintable():
            return "the name of a ref must be readable UTF-8"
        branch = ref.removeprefix(HEADS)
        if self.own_prefix is not None:
            return self._judge_job(self.own_prefix, old, new, ref)
        if ref.startswith(HEADS) and any(fnmatchcase(branch, p) for p in self.protected):
            return f"protected branch {branch}: approve the card instead"
        if not ref.startswith((HEADS, TAGS)):
            return f"only branches and tags can be pushed, and {ref} is neither"
        return None

    def _judge_job(self, own: str, old: str, new: str, ref: str) -> str | None:
        if ref.startswith(HEADS):
            return f"protected branch {ref.removeprefix(HEADS)}: approve the card instead"
        if ref != own and not ref.startswith(own.rstrip("/") + "/"):
            return f"this job writes only below {own}"
        if new == ZERO:
            return "a job deletes nothing"
        if self.create_only and old != ZERO:
            return "the lease is lost: what is there stays, only new refs are taken"
        return None
