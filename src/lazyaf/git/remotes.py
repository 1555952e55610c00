"""How a git child reaches a real remote: what it may speak, who it is there, and what went wrong in words.

Fetching (`lazyaf.git.fetch`) and pushing (`lazyaf.git.push`) both come here. A password is in the child's
environment, never in argv or the URL, and a private key is in a file for as long as the child runs.
Nothing here touches a repository.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lazyaf.domain.errors import Conflict, GitFailed
from lazyaf.domain.remotes import Remote, is_on_disk
from lazyaf.git import command
from lazyaf.git.refs import HEADS
from lazyaf.git.storage import Storage

ASK_TIMEOUT: Final = 30.0
"""Seconds for the question what is there."""

_SAID: Final = re.compile(r"(?:ssh|ERROR): .*")
"""What ssh, or the host through it, had to say before git gave up."""
_STALLED: Final = (("http.lowSpeedLimit", "100"), ("http.lowSpeedTime", "60"))


@dataclass(frozen=True, slots=True)
class Listing:
    """What a remote says that it has: the branch of its HEAD, if any, and the commits of its branches by
    their short names."""

    head: str | None
    branches: dict[str, str]


async def ask_head(storage: Storage, remote: Remote) -> str | None:
    """The branch that the remote's HEAD names; None where it has none, as when it is empty.

    Raises `Conflict`: ``credentials_wanted``, ``credentials_refused``, ``deploy_key_refused``,
    ``host_key_changed`` or ``remote_unreachable``.
    """
    async with reaching(storage, remote) as reach:
        return (await _ask(remote, reach.env, "HEAD")).head


async def list_branches(storage: Storage, remote: Remote, *, disk: bool = False) -> Listing:
    """What the remote has, without fetching any of it; ``disk`` allows a path of this machine, too.

    Raises as `ask_head` does.
    """
    async with reaching(storage, remote, disk=disk) as reach:
        return await _ask(remote, reach.env, "HEAD", f"{HEADS}*")


async def meet_host(storage: Storage, remote: Remote) -> str:
    """The keys that the host of an ssh remote shows, for those to keep that meet it for the first time, and
    to compare. Whether it lets the key in does not matter. Raises `Conflict` ``remote_unreachable``."""
    async with reaching(storage, remote, first=True) as reach:
        try:
            await _ask(remote, reach.env, "HEAD")
        except Conflict as refused:
            if not reach.learned():
                raise refused
        return reach.learned()


async def _ask(remote: Remote, env: dict[str, str], *patterns: str) -> Listing:
    try:
        said = await command.run(asking(remote, *patterns), env=env, timeout=ASK_TIMEOUT)
    except GitFailed as failed:
        raise explained(failed.detail, remote) from None
    return _listed(said.text)


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


@dataclass(frozen=True, slots=True)
class Reach:
    """The environment of a child that may speak to one remote, and the file of its host's keys."""

    env: dict[str, str]
    known_hosts: Path | None = None

    def learned(self) -> str:
        """What stands in that file by now."""
        there = self.known_hosts is not None and self.known_hosts.exists()
        return self.known_hosts.read_text() if there and self.known_hosts else ""


@asynccontextmanager
async def reaching(
    storage: Storage, remote: Remote, *, disk: bool = False, first: bool = False
) -> AsyncIterator[Reach]:
    """Let children speak to this remote, over HTTP or, with its key, ssh, and where ``disk`` allows it to a
    repository of this machine. ``first``: the host's key is not known yet and taken as it is.

    The private key is a file that this user alone can read, in a directory that is gone afterwards and, after
    a crash, with the next start.
    """
    if remote.key is None:
        spoken = "http:https:file" if disk and is_on_disk(remote.url) else "http:https"
        login = remote.login
        more = {} if login is None else command.auth_env(remote.url, login.username, login.password)
        yield Reach(_env(spoken, more))
        return
    with storage.temporary() as folder:
        identity, known_hosts = folder / "identity", folder / "known_hosts"
        identity.touch(mode=0o600)
        identity.write_text(remote.key.private)
        known_hosts.write_text(remote.key.host_keys)
        more = {
            "GIT_SSH_COMMAND": _ssh(identity, known_hosts, first=first),
            "GIT_SSH_VARIANT": "ssh",
        }
        yield Reach(_env("ssh", more), known_hosts)


def _env(spoken: str, more: dict[str, str]) -> dict[str, str]:
    return command.child_env({"GIT_ALLOW_PROTOCOL": spoken, "GIT_ASKPASS": "", **more})


def _ssh(identity: Path, known_hosts: Path, *, first: bool) -> str:
    """ssh with this key and these hosts, and nothing of the user's or the machine's own."""
    options = {
        "IdentityFile": str(identity),
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "BatchMode": "yes",
        "PreferredAuthentications": "publickey",
        "StrictHostKeyChecking": "accept-new" if first else "yes",
        "UserKnownHostsFile": str(known_hosts),
        "GlobalKnownHostsFile": "/dev/null",
        "UpdateHostKeys": "no",
        "HashKnownHosts": "no",
        "CheckHostIP": "no",
        "ClearAllForwardings": "yes",
        "ConnectTimeout": "15",
        "ServerAliveInterval": "15",
        "ServerAliveCountMax": "4",
    }
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    return shlex.join(["ssh", "-F", "/dev/null", *words])


def explained(words: str, remote: Remote) -> Conflict:
    """Why a remote could not be asked, in a sentence that says what to do."""
    if remote.key is not None:
        return _explained_ssh(words, remote)
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


def _explained_ssh(words: str, remote: Remote) -> Conflict:
    if "Host key verification failed" in words:
        return Conflict(
            f"The host of {remote.url} shows another key than the one that is pinned, so nothing was sent to "
            "it. Someone may stand in between. If the host really has a new key, pin that in the "
            "repository's settings.",
            code="host_key_changed",
        )
    if "Permission denied" in words:
        return Conflict(
            f"{remote.url} does not let this repository's deploy key in. Add the public key to the deploy "
            "keys there; to land it must be allowed to write.",
            code="deploy_key_refused",
        )
    heard = _SAID.search(words)
    said = heard[0] if heard else words.partition("fatal: ")[2]
    return Conflict(
        f"{remote.url} could not be reached: {said.strip().rstrip('.')}.", code="remote_unreachable"
    )
