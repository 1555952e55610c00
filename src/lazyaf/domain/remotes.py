"""The URL of a real remote: what may be fetched from, and where a credential in it belongs.

A credential never stays in a URL: those are stored, shown and given to git in its arguments.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from lazyaf.domain.errors import Invalid

_PRINTABLE: Final = re.compile(r"[\x21-\x7e\xa1-\U0010ffff]{1,2000}")
_WHERE: Final = r"[A-Za-z0-9_][\w.-]*@(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*)"
_PATH: Final = r"[\x21-\x2c\x2e-\x7e][\x21-\x7e]{0,1500}"
_SSH: Final = re.compile(
    rf"ssh://{_WHERE}(?::(?P<port>\d{{1,5}}))?/{_PATH}|{_WHERE.replace('host', 'name')}:{_PATH}"
)
_DISK: Final = re.compile(r"file:///|/")
ANYONE: Final = "git"
"""The user name that goes with a token alone; hosts look at the token."""


class ImportState(StrEnum):
    """How far fetching from the remote is: `fetching` → `ready` or `failed`, and again; over ssh it
    begins with `key_wanted`."""

    KEY_WANTED = "key_wanted"  # the remote must be given the deploy key before anything is fetched
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
class DeployKey:
    """A repository's key for ssh: the private half as OpenSSH has it, and the host's keys as lines of a
    ``known_hosts`` file; none as long as the host was never met."""

    private: str = field(repr=False)
    host_keys: str = ""


@dataclass(frozen=True, slots=True)
class Remote:
    """A URL without credentials, and those that stood in it or were given with it; over ssh the key."""

    url: str
    login: Login | None = None
    key: DeployKey | None = None


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
    """Refuse what the server must not or cannot fetch from: its own disk, programs.

    The credential of a stranger must not read this machine's files.
    """
    if not is_fetchable(url):
        raise Invalid.field(
            field,
            f"“{url}” is no https:// URL and none of ssh (git@host:owner/repository.git), and the server "
            "fetches from nothing else. A repository on a disk is added with `lazyaf ingest PATH`.",
        )


def ssh_host(url: str) -> str | None:
    """The host, with its port if one is named, of a URL of ssh; None of any other."""
    found = _SSH.fullmatch(url)
    if found is None:
        return None
    host = found["host"] or found["name"]
    return f"{host}:{found['port']}" if found["port"] else host


def fingerprints(known_hosts: str) -> list[str]:
    """Kind and SHA-256 of each key in lines of a ``known_hosts`` file, as ssh writes them."""
    found = []
    for line in known_hosts.splitlines():
        _, kind, blob, *_ = [*line.split(), "", "", ""]
        digest = hashlib.sha256(base64.b64decode(blob)).digest()
        if blob:
            found.append(f"{kind} SHA256:{base64.b64encode(digest).decode().rstrip('=')}")
    return found


def is_fetchable(url: str) -> bool:
    """Whether `require_fetchable` lets it pass."""
    return _http(url) is not None or ssh_host(url) is not None


def is_on_disk(url: str) -> bool:
    """Whether it is a repository of this machine, by its path."""
    return _DISK.match(url) is not None


def name_of(url: str) -> str:
    """A name for the repository at this URL: its last word, in characters that names have."""
    path = url.partition(":")[2] if ssh_host(url) else urlsplit(url).path
    last = path.rstrip("/").rpartition("/")[2].removesuffix(".git")
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
