"""Forges: where a remote's repository is reviewed, and what a pull request is there.

Which forge a remote is on is told by its host's name or by a person; nobody is asked over the network.
GitLab's merge requests are pull requests here, and Gitea stands for Forgejo, too: they have one API.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import quote, urlsplit

from lazyaf.domain.errors import Conflict

URL_MAX: Final = 2000
TOKEN: Final = re.compile(r"[\x21-\x7e]{1,4000}")
"""What can be a token: it travels in a header."""
PULL_TITLE_MAX: Final = 255
"""Characters that a title may have on every forge: GitLab and Gitea take no more."""
PULL_BODY_MAX: Final = 65_536
"""Characters that a description may have on every forge: GitHub takes no more."""

_SCP: Final = re.compile(r"(?:[^@/]+@)?([^:/]+):(?!//)(.+)")
_PART: Final = re.compile(r"[\w.~-]+")


class ForgeKind(StrEnum):
    """Whose API a forge speaks."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"


class PullState(StrEnum):
    """How far a pull request is, as its forge told last. Each may follow each: they are reopened, too."""

    UNKNOWN = "unknown"
    """Its address was noted by someone; nobody has looked yet."""
    OPEN = "open"
    DRAFT = "draft"
    MERGED = "merged"
    CLOSED = "closed"


FOLLOWED: Final = (PullState.UNKNOWN, PullState.OPEN, PullState.DRAFT)
"""While it is one of these its forge is asked again now and then."""

_KNOWN_HOSTS: Final = {
    "github.com": ForgeKind.GITHUB,
    "gitlab.com": ForgeKind.GITLAB,
    "codeberg.org": ForgeKind.GITEA,
    "gitea.com": ForgeKind.GITEA,
}
_IN_NAMES: Final = {
    "github": ForgeKind.GITHUB,
    "gitlab": ForgeKind.GITLAB,
    "gitea": ForgeKind.GITEA,
    "forgejo": ForgeKind.GITEA,
}
NAMES: Final = {
    ForgeKind.GITHUB: "GitHub",
    ForgeKind.GITLAB: "GitLab",
    ForgeKind.GITEA: "Gitea or Forgejo",
}
_PULL_PATH: Final = {
    ForgeKind.GITHUB: r"/pull/(\d{1,15})",
    ForgeKind.GITLAB: r"(?:/-)?/merge_requests/(\d{1,15})",
    ForgeKind.GITEA: r"/pulls/(\d{1,15})",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a remote is: the web address of its host (``https://host[:port]``) and the repository's path
    there, like ``owner/name``."""

    origin: str
    path: str

    @property
    def host(self) -> str:
        """The host's name, with its port if it has one."""
        return self.origin.partition("://")[2]


@dataclass(frozen=True, slots=True)
class ForgeRepo:
    """A repository on a forge; ``api_url`` ends without a slash."""

    kind: ForgeKind
    api_url: str
    place: Place

    @property
    def host(self) -> str:
        """The host that people know it by."""
        return self.place.host

    @property
    def path(self) -> str:
        """``owner/name``; on GitLab groups may stand before."""
        return self.place.path

    @property
    def noun(self) -> str:
        """What people there say."""
        return noun_of(self.kind)

    @property
    def api_origin(self) -> str:
        """Scheme, host and port of the API: where a token goes."""
        parts = urlsplit(self.api_url)
        return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True, slots=True)
class NewPull:
    """A pull request to open: branch names without ``refs/heads/``."""

    title: str
    body: str
    branch: str
    base: str


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request as its forge has it; ``url`` is its page."""

    number: int
    url: str
    state: PullState


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at a pull request found: None when it is as it was at ``etag``."""

    pull: Pull | None
    etag: str | None


@dataclass(frozen=True, slots=True)
class Access:
    """What a token sees of a repository; ``may_write`` is None when the forge does not say."""

    full_name: str
    may_write: bool | None
    is_archived: bool


def noun_of(kind: ForgeKind | None) -> str:
    """What a pull request is called there."""
    return "merge request" if kind is ForgeKind.GITLAB else "pull request"


def place_of(remote: str) -> Place | None:
    """Where a remote's URL points, whatever its form; None for a path. What is reached by ssh has its
    pages at https:// and no port."""
    if "://" in remote:
        try:
            parts = urlsplit(remote)
            has_port = parts.port is not None
        except ValueError:
            return None
        is_web = parts.scheme in ("http", "https")
        scheme = parts.scheme if is_web else "https"
        host = parts.netloc.rpartition("@")[2]
        host = host.rpartition(":")[0] if has_port and not is_web else host
        path = parts.path
    else:
        match = _SCP.fullmatch(remote)
        scheme, host, path = ("https", match[1], match[2]) if match else ("", "", "")
    path = path.strip("/").removesuffix(".git")
    words = path.split("/")
    if not host or len(words) < 2 or not all(_PART.fullmatch(w) and w.strip(".") for w in words):
        return None
    return Place(f"{scheme}://{host.lower()}", path)


def kind_of(host: str) -> ForgeKind | None:
    """Whose API a host speaks, as far as its name tells. It decides on words alone: a token is only ever
    given to the address that a person named."""
    name = host.partition(":")[0]
    if name.endswith(".ghe.com"):
        return ForgeKind.GITHUB
    known = _KNOWN_HOSTS.get(name)
    if known is not None:
        return known
    words = set(re.split(r"[.-]", name))
    return next((kind for word, kind in _IN_NAMES.items() if word in words), None)


def forge_repo(
    remote: str | None, kind: str | None = None, api_url: str | None = None
) -> ForgeRepo:
    """The repository behind a remote, on the forge that a person named or that its host's name tells.

    Raises `Conflict` ``forge_unknown`` with what to do.
    """
    place = place_of(remote or "")
    if place is None:
        raise Conflict(
            "The repository's remote is on no forge, so it takes no pull requests. Set the URL of its "
            "repository on GitHub, GitLab, Gitea or Forgejo as the remote.",
            code="forge_unknown",
        )
    found = ForgeKind(kind) if kind else kind_of(place.host)
    if found is None:
        raise Conflict(
            f"Nobody can tell by its name what {place.host} is. Say in the repository's settings, under "
            "Forge, or with `lazyaf repo forge --kind`, whether it is GitHub, GitLab, or Gitea or Forgejo.",
            code="forge_unknown",
        )
    if found is not ForgeKind.GITLAB and place.path.count("/") > 1 and not api_url:
        return _below(place, found)
    return ForgeRepo(found, api_url or _api_url(found, place), _without_root(place, api_url))


def _api_url(kind: ForgeKind, place: Place) -> str:
    """Where the API is, as the forges are installed: docs.github.com/rest, docs.gitlab.com/api/rest,
    docs.gitea.com/development/api-usage."""
    if kind is ForgeKind.GITLAB:
        return f"{place.origin}/api/v4"
    if kind is ForgeKind.GITEA:
        return f"{place.origin}/api/v1"
    if place.host == "github.com" or place.host.endswith(".ghe.com"):
        return f"https://api.{place.host}"
    return f"{place.origin}/api/v3"


def _below(place: Place, kind: ForgeKind) -> ForgeRepo:
    """Repositories have two words there: what stands before is where the forge is installed."""
    *root, owner, name = place.path.split("/")
    below = Place(f"{place.origin}/{'/'.join(root)}", f"{owner}/{name}")
    return ForgeRepo(kind, _api_url(kind, below), place=Place(place.origin, below.path))


def _without_root(place: Place, api_url: str | None) -> Place:
    """The path without what it shares with an API like ``https://host/gitlab/api/v4``."""
    root = urlsplit(api_url or "").path.partition("/api/")[0].strip("/")
    if root and place.path.startswith(f"{root}/"):
        return Place(place.origin, place.path.removeprefix(f"{root}/"))
    return place


def is_api_url(url: str) -> bool:
    """Whether a token may be sent there: an HTTP URL without credentials, query and fragment."""
    try:
        parts = urlsplit(url)
        sound = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    fits = len(url) <= URL_MAX and url.isascii() and url.isprintable() and not set(" \\") & set(url)
    return parts.scheme in ("http", "https") and sound and plain and "@" not in url and fits


def is_page(url: str) -> bool:
    """Whether this can be shown as the address of a pull request."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    is_web = parts.scheme in ("http", "https") and bool(parts.hostname)
    return is_web and "@" not in parts.netloc and url.isprintable() and len(url) <= URL_MAX


def pull_number(at: ForgeRepo, url: str) -> int | None:
    """The number of the pull request at this page, if it is one of this repository."""
    parts = urlsplit(url) if is_page(url) else None
    if parts is None or not _may_be(parts.hostname or "", at.host):
        return None
    path = re.escape(f"/{at.path}") + _PULL_PATH[at.kind]
    found = re.search(rf"{path}(?:/\w*)*/?$", parts.path, re.IGNORECASE)
    return int(found[1]) if found else None


def _may_be(page: str, host: str) -> bool:
    """A forge of one's own may have several names: one for git, another one in its pages' addresses."""
    name = host.partition(":")[0]
    return page == name or not {page, name} & _KNOWN_HOSTS.keys()


def compare_url(kind: ForgeKind | None, place: Place, base: str, branch: str) -> str | None:
    """The page on which a person opens one; None on a forge that is not known."""
    root = f"{place.origin}/{place.path}"
    if kind is ForgeKind.GITLAB:
        return (
            f"{root}/-/merge_requests/new"
            f"?merge_request%5Bsource_branch%5D={quote(branch, safe='')}"
            f"&merge_request%5Btarget_branch%5D={quote(base, safe='')}"
        )
    if kind is ForgeKind.GITHUB:
        return f"{root}/compare/{quote(base)}...{quote(branch)}?expand=1"
    if kind is ForgeKind.GITEA:
        return f"{root}/compare/{quote(base)}...{quote(branch)}"
    return None
