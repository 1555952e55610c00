"""What one credential may do to one repository over git, and how that is said to git.

The transport builds a `PushPolicy` per request; what it forbids is decided from the push commands
before anything is spawned, and what it may see becomes hidden refs of the child (R7, R16).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final
from unicodedata import category

from lazyaf.git.pktline import ZERO, Command, PushRequest
from lazyaf.git.refs import HEADS, TAGS

LEGACY_COMPLAINTS: Final = (
    "badDate",
    "badDateOverflow",
    "badEmail",
    "badName",
    "badTimezone",
    "duplicateEntries",
    "missingEmail",
    "missingNameBeforeEmail",
    "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail",
    "multipleAuthors",
    "nulInCommit",
    "treeNotSorted",
    "zeroPaddedDate",
    "zeroPaddedFilemode",
)
"""What old histories are full of and harms nobody; path and .gitmodules checks are not among it.

A missing tagger, an odd tag name and an odd file mode are no errors to git itself."""

JOINERS: Final = frozenset("\u200c\u200d")
"""Invisible characters that scripts and emoji are written with."""

ORPHAN_LIMIT: Final = 256 * 1024**2
"""Bytes that an attempt may still leave when its lease is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushPolicy:
    """The rights of one request.

    ``own_prefix`` makes it a job's: it writes only below that prefix
    (``refs/lazyaf/jobs/<job>/<attempt>/``; without the last slash only that very ref), deletes
    nothing, and sees besides branches and tags only the refs of its own job. ``create_only`` is what
    is left of a lost lease. ``protected`` are shell patterns of branch names. ``max_input_size`` is
    that of a pack, in bytes. ``still_allowed`` is asked again after the upload.
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
        if not _is_readable(ref):
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
        if not own.endswith("/") and ref != own:
            return f"the lease of this job is lost: it writes only {own}"
        if not ref.startswith(own):
            return f"this job writes only below {own}"
        if new == ZERO:
            return "a job deletes nothing"
        if self.create_only and old != ZERO:
            return "the lease is lost: what is there stays, only new refs are taken"
        return None


def _is_readable(ref: str) -> bool:
    """Whether people can tell this name from others by looking: UTF-8 in which nothing is hidden,
    turned around or broken over lines. git itself minds only ASCII's control characters."""
    return not any(category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and c not in JOINERS for c in ref)
