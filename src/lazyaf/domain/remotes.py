"""The URL of a real remote: what may be fetched from, and where a credential in it belongs.

A credential never stays in a URL: those are stored, shown and given to git in its arguments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from lazyaf.domain.errors import Invalid

_PRINTABLE: Final = re.compile(r"[\x21-\x7e\xa1-\U0010ffff]{1,2000}")
_SSH: Final = re.compile(r"(ssh|git\+ssh)://|[\w.-]+@[\w.-]+:")
_DISK: Final = re.compile(r"file:///|/")
ANYONE: Final = "git"
"""The user name that goes with a token alone; hosts look at the token."""


class ImportState(StrEnum):
    """How far fetching from the remote is: `fetching` → `ready` or `failed`, and again."""

    FETCHING = "fetching"
    FAILED = "failed"
    READY = "ready"


class LandState(StrEnum):
    """How a branch stands to the remote's of the same name."""

    NEW = "new"  # the remote has none of this name
    CURRENT = "current"  # both are at the same commit
    AHEAD = "ahead"  # pushing is a fast-forward
    BEHIND = "behind"  # the remote has all of it, and more
    DIVERGED = "diverged"  # each has commits that the other has not
    UNKNOWN = "unknown"  # the remote has commits that the server does not fetch from there


@dataclass(frozen=True, slots=True)
class Login:
    """What a remote is told to let someone in; for one origin (``https://host:port``) only."""

    origin: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Remote:
    """A URL without credentials, and those that stood in it or were given with it."""

    url: str
    login: Login | None = None


def parse_remote(
    url: str, username: str | None = None, password: str | None = None, *, field: str = "remote_url"
) -> Remote:
    """Take a credential out of an HTTP URL, or add the given one, which wins.

    What is no HTTP URL is left as it is, and takes none. Raises `Invalid` for ``field``.
    """
    parts = _http(url)
    if parts is None:
        if password:
            raise Invalid.field(field, f"“{url}” is no https:// URL, so it takes no password.")
        return Remote(url)
    _require_sound(url, parts, field)
    host = parts.netloc.rpartition("@")[2]
    origin = f"{parts.scheme.lower()}://{host.lower()}"
    clean = urlunsplit((parts.scheme.lower(), host, parts.path, parts.query, ""))
    if password:
        if username and (":" in username or not username.isprintable()):
            raise Invalid.field("username", "A user name holds no colon and no control character.")
        return Remote(clean, Login(origin, username or ANYONE, password))
    if parts.username or parts.password:
        return Remote(
            clean, Login(origin, unquote(parts.username or ""), unquote(parts.password or ""))
        )
    return Remote(clean)


def require_fetchable(url: str, *, field: str = "url") -> None:
    """Refuse what the server must not or cannot fetch from: its own disk, programs, ssh.

    The credential of a stranger must not read this machine's files, and the server has no ssh key.
    """
    if is_fetchable(url):
        return
    if _SSH.match(url):
        raise Invalid.field(
            field,
            "The server has no ssh key, so it fetches from https:// URLs only. Use that URL, or clone "
            "it yourself and run `lazyaf ingest`.",
        )
    raise Invalid.field(
        field,
        f"“{url}” is no https:// URL, and the server fetches from nothing else. A repository on a "
        "disk is added with `lazyaf ingest PATH`.",
    )


def is_fetchable(url: str) -> bool:
    """Whether `require_fetchable` lets it pass."""
    return _http(url) is not None


def is_on_disk(url: str) -> bool:
    """Whether it is a repository of this machine, by its path."""
    return _DISK.match(url) is not None


def name_of(url: str) -> str:
    """A name for the repository at this URL: its last word, in characters that names have."""
    last = urlsplit(url).path.rstrip("/").rpartition("/")[2].removesuffix(".git")
    return re.sub(r"[^A-Za-z0-9._-]+", "-", unquote(last)).strip("-._")[:100]


def origin_of(url: str) -> str | None:
    """Scheme, host and port of an HTTP URL."""
    parts = _http(url)
    return f"{parts.scheme.lower()}://{parts.netloc.rpartition('@')[2].lower()}" if parts else None


def _http(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts if parts.scheme.lower() in ("http", "https") else None


def _require_sound(url: str, parts: SplitResult, field: str) -> None:
    try:
        is_sound = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_sound = False
    if not is_sound or not _PRINTABLE.fullmatch(url) or "\\" in url:
        # Not the URL itself: a credential may stand in it.
        raise Invalid.field(field, "This is not the URL of a git repository.")
