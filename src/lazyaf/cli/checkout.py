"""Looks at the repository that a person named: what it is, where its HEAD is, where it came from.

Only reads, with the person's own git settings, so that `safe.directory` and the like count.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from lazyaf.cli.failures import Failure
from lazyaf.domain.errors import GitFailed
from lazyaf.git import command

NAME_MAX: Final = 100

# `git rev-parse --local-env-vars`: set by a hook or an alias, they would point at another repository.
_LOCAL: Final = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_CONFIG_PARAMETERS",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)


@dataclass(frozen=True, slots=True)
class Checkout:
    """A repository on this machine that has commits.

    ``head`` is the branch that HEAD is on, None when it is detached; ``remote_url`` is origin's,
    without credentials.
    """

    path: Path
    name: str
    head: str | None
    branches: tuple[str, ...]
    remote_url: str | None

    def has(self, shas: list[str]) -> bool:
        """Whether any of these commits is known here."""
        asked = "".join(f"{sha}\n" for sha in shas)
        said = _git(self.path, "cat-file", "--batch-check", stdin=asked.encode())
        return any(line.split(" ")[1:2] == ["commit"] for line in said.splitlines())


def user_environment() -> dict[str, str]:
    """The person's own environment for git, which speaks English so that it can be understood."""
    env = {name: value for name, value in os.environ.items() if name not in _LOCAL}
    return {**env, "LC_ALL": "C.UTF-8", "LANGUAGE": "C"}


def look_at(path: Path) -> Checkout:
    """The repository at ``path``; `Failure` says what else it is and what to do."""
    path = path.resolve()
    top = _top(path)
    _require_content(top)
    head = _ask(top, "symbolic-ref", "--quiet", "--short", "HEAD") or None
    listed = _git(top, "for-each-ref", "--format=%(refname)", "refs/heads")
    branches = tuple(line.removeprefix("refs/heads/") for line in listed.splitlines())
    if not branches:
        raise Failure(
            f"{path} has no branch: its HEAD is detached. Make one with `git switch -c main`."
        )
    return Checkout(top, name_of(top), head, branches, _origin(top))


def _top(path: Path) -> Path:
    """The top of the repository, which must be the path itself: nobody pushes their home by accident."""
    facts = _git(path, "rev-parse", "--is-bare-repository", "--is-inside-work-tree").split()
    if facts == ["true", "false"]:
        top = Path(_git(path, "rev-parse", "--absolute-git-dir")).resolve()
    elif facts[1] == "true":
        top = Path(_git(path, "rev-parse", "--show-toplevel")).resolve()
    else:
        raise Failure(f"{path} is git's own directory inside a repository. Name the repository.")
    if top != path:
        raise Failure(
            f"{path} is only a directory inside the repository {top}. To ingest that one: "
            f"`lazyaf ingest {top}`."
        )
    return top


def _require_content(top: Path) -> None:
    has_branch = _ask(top, "for-each-ref", "--count=1", "refs/heads")
    if not (has_branch or _ask(top, "rev-parse", "--quiet", "--verify", "HEAD^{commit}")):
        raise Failure(f"{top} has no commits yet. Commit something, then ingest it.")
    if _git(top, "rev-parse", "--is-shallow-repository") == "true":
        raise Failure(
            f"{top} is a shallow clone: a part of its history is missing. Get it with "
            "`git fetch --unshallow`, then ingest."
        )


def _origin(top: Path) -> str | None:
    url = _ask(top, "remote", "get-url", "origin")
    return None if not url or len(url) > 2000 else without_credentials(url, top)


def without_credentials(url: str, top: Path) -> str:
    """A remote's URL as it may be told to others; a path becomes an absolute one."""
    if "://" not in url:
        is_path = not re.match(r"^[^/]+:", url)
        return str((top / url).resolve()) if is_path else url
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme in ("http", "https"):
        return urlunsplit((parts.scheme, host, parts.path, "", ""))
    user = parts.username
    return urlunsplit(parts._replace(netloc=f"{user}@{host}" if user else host))


def name_of(top: Path) -> str:
    """A name for the repository: its directory's, with what cannot stand in a URL replaced."""
    bare = top.parent.name if top.name == ".git" else top.name
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "-", bare.removesuffix(".git"))
    return cleaned.lstrip("._-")[:NAME_MAX].removesuffix(".git") or "repository"


def _git(path: Path, *args: str, stdin: bytes | None = None) -> str:
    try:
        done = command.run_sync(["-C", str(path), *args], env=user_environment(), stdin=stdin)
    except FileNotFoundError:
        raise Failure("git is not installed here. Install it, then try again.") from None
    except GitFailed as error:
        if "not a git repository" in error.detail:
            raise Failure(
                f"{path} is not a git repository. Make one with `git init`, commit, then ingest it."
            ) from None
        raise Failure(error.detail) from None
    return done.text


def _ask(path: Path, *args: str) -> str:
    """`_git` where a failure means no."""
    done = command.run_sync(["-C", str(path), *args], env=user_environment(), check=False)
    return done.text if done.returncode == 0 else ""
