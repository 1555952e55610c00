"""How a git child reaches a real remote: what it may speak, who it is there, and what went wrong in words.

Fetching (`lazyaf.git.fetch`) and pushing (`lazyaf.git.push`) both come here. A password is in the child's
environment, never in argv or the URL. Nothing here touches a repository.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lazyaf.domain.errors import Conflict, GitFailed
from lazyaf.domain.remotes import Remote, is_on_disk
from lazyaf.git import command
from lazyaf.git.refs import HEADS

ASK_TIMEOUT: Final = 30.0
"""Seconds for the question what is there."""

_STALLED: Final = (("http.lowSpeedLimit", "100"), ("http.lowSpeedTime", "60"))


@dataclass(frozen=True, slots=True)
class Listing:
    """What a remote says that it has: the branch of its HEAD, if any, and the commits of its branches by
    their short names."""

    head: str | None
    branches: dict[str, str]


async def ask_head(remote: Remote) -> str | None:
    """The branch that the remote's HEAD names; None where it has none, as when it is empty.

    Raises `Conflict`: ``credentials_wanted``, ``credentials_refused`` or ``remote_unreachable``.
    """
    return _listed(await _ask(remote, env_of(remote), "HEAD")).head


async def list_branches(remote: Remote, *, disk: bool = False) -> Listing:
    """What the remote has, without fetching any of it; ``disk`` allows a path of this machine, too.

    Raises as `ask_head` does.
    """
    return _listed(await _ask(remote, env_of(remote, disk=disk), "HEAD", f"{HEADS}*"))


async def _ask(remote: Remote, env: dict[str, str], *patterns: str) -> str:
    try:
        said = await command.run(asking(remote, *patterns), env=env, timeout=ASK_TIMEOUT)
    except GitFailed as failed:
        raise explained(failed.detail, remote) from None
    return said.text


def asking(remote: Remote, *patterns: str) -> list[str]:
    """The words for git that list these refs of a remote."""
    return [*settings_of(remote), "ls-remote", "--symref", "--", remote.url, *patterns]


def head_in(listed: str) -> str | None:
    """The branch of HEAD in what `asking` brought."""
    return _listed(listed).head


def _listed(text: str) -> Listing:
    head, branches = None, {}
    for line in text.splitlines():
        target, _, name = line.partition("\t")
        if name == "HEAD" and target.startswith(f"ref: {HEADS}"):
            head = target.removeprefix(f"ref: {HEADS}")
        elif name.startswith(HEADS):
            branches[name.removeprefix(HEADS)] = target
    return Listing(head, branches)


def settings_of(remote: Remote) -> list[str]:
    """The settings of every child that speaks to this remote, as words for git."""
    # With a password nothing is followed elsewhere; without one, as git does it by itself.
    follow = "initial" if remote.login is None else "false"
    settings = (*_STALLED, ("http.followRedirects", follow))
    return [word for key, value in settings for word in ("-c", f"{key}={value}")]


def env_of(remote: Remote, *, disk: bool = False) -> dict[str, str]:
    """The environment of a child that speaks to this remote over HTTP, or, where ``disk`` allows it, to a
    repository of this machine."""
    spoken = "http:https:file" if disk and is_on_disk(remote.url) else "http:https"
    only = {"GIT_ALLOW_PROTOCOL": spoken, "GIT_ASKPASS": ""}
    login = remote.login
    if login is not None:
        only |= command.auth_env(remote.url, login.username, login.password)
    return command.child_env(only)


def explained(words: str, remote: Remote) -> Conflict:
    """Why a remote could not be asked, in a sentence that says what to do."""
    if "could not read Username" in words or "Authentication failed" in words:
        if remote.login is None:
            return Conflict(
                f"{remote.url} wants to know who you are. Give a user name and a password, which "
                "with most hosts is an access token.",
                code="credentials_wanted",
            )
        return Conflict(
            f"{remote.url} did not accept these credentials. Most hosts want an access token that "
            "may read the repository, not the password of the account.",
            code="credentials_refused",
        )
    if "returned error: 403" in words:
        return Conflict(
            f"{remote.url} lets these credentials in, but not to this repository.",
            code="credentials_refused",
        )
    last = words.rpartition("fatal: ")[2].strip().rstrip(".")
    last = last.removeprefix(f"unable to access '{remote.url.rstrip('/')}/': ")
    return Conflict(f"{remote.url} could not be reached: {last}.", code="remote_unreachable")
