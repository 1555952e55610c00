"""Pushes and fetches of the command line, with the person's own git.

To the internal server the token travels in the environment, and nothing of the person's settings can
send it, or the push, elsewhere. To real remotes their ssh keys and credential helpers count.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from lazyaf.cli.checkout import user_environment
from lazyaf.cli.client import Api, Json
from lazyaf.cli.failures import Failure
from lazyaf.cli.target import is_loopback
from lazyaf.cli.terminal import plain
from lazyaf.git import command

HEADS: Final = "refs/heads/"
_MOVED: Final = ("fetch first", "non-fast-forward", "stale info")
_QUIET: Final = ("error:", "fatal:", "hint:", "To ", "From ", " * ", "Everything up-to-date")


@dataclass(frozen=True, slots=True)
class PushedRef:
    """One line of ``git push --porcelain``: its flag, the ref at the remote, and git's words."""

    flag: str
    ref: str
    words: str

    @property
    def name(self) -> str:
        """The branch's or tag's name."""
        return self.ref.removeprefix(HEADS).removeprefix("refs/tags/")

    @property
    def is_refused(self) -> bool:
        """Whether the remote did not take it."""
        return self.flag == "!"

    @property
    def is_behind(self) -> bool:
        """Whether it was refused because the remote has commits that are not here."""
        return self.is_refused and any(f"({reason})" in self.words for reason in _MOVED)

    @property
    def status(self) -> str:
        """``new``, ``updated``, ``unchanged`` or ``refused``."""
        return {"*": "new", "=": "unchanged", "!": "refused"}.get(self.flag, "updated")


@dataclass(frozen=True, slots=True)
class Pushed:
    """How a push ended."""

    refs: tuple[PushedRef, ...]
    complaint: str
    is_done: bool


def internal_url(api: Api, repo: Json) -> str:
    """Where the server keeps this repository, as it is reached from here."""
    return f"{api.server}{repo['internal_git_url']}"


def push_to_server(api: Api, repo: Json, checkout: Path, refspecs: Sequence[str]) -> Pushed:
    """Push from a person's repository, which is left as it is, to the internal server."""
    url = internal_url(api, repo)
    flags = ["--no-verify", "--no-signed", "--no-follow-tags", "--recurse-submodules=no"]
    return _push(
        ["-C", str(checkout), *_only_there(url), "-c", "core.hooksPath=/dev/null"],
        [*flags, "--", url, *refspecs],
        _with_token(api, url),
    )


def push_to_remote(git_dir: Path, remote: str, refspec: str, *, lease: tuple[str, str]) -> Pushed:
    """Push to a real remote as the person would: their keys, their helpers, never forcing.

    ``lease`` is the branch and the commit that it must be at there, an ancestor of what is pushed, or
    nothing: then it must not be there.
    """
    branch, there = lease
    expected = f"--force-with-lease={HEADS}{branch}:{there}"
    return _push([f"--git-dir={git_dir}"], [expected, "--", remote, refspec], user_environment())


def fetch_from_server(api: Api, repo: Json, branch: str, git_dir: Path) -> None:
    """Fetch one branch into a new bare repository at ``git_dir``."""
    url = internal_url(api, repo)
    command.run_sync(["init", "--quiet", "--bare", "--template=", str(git_dir)])
    done = command.run_attached(
        [
            f"--git-dir={git_dir}",
            *_only_there(url),
            "fetch",
            "--no-tags",
            "--no-auto-maintenance",
            _progress(),
            "--",
            url,
            f"+{HEADS}{branch}:{HEADS}{branch}",
        ],
        env=_with_token(api, url),
        on_stderr=Relay(),
    )
    if "couldn't find remote ref" in done.stderr:
        raise Failure(f"There is no branch “{branch}” in {repo['name']}.")
    if done.returncode != 0:
        raise Failure(command.failure("fetch", done.returncode, done.stderr))


def tip_of(git_dir: Path, branch: str) -> str:
    """The commit that a branch of a bare repository is at."""
    return command.run_sync([f"--git-dir={git_dir}", "rev-parse", f"{HEADS}{branch}"]).text


def _push(before: Sequence[str], after: Sequence[str], env: dict[str, str]) -> Pushed:
    done = command.run_attached(
        [*before, "push", "--porcelain", _progress(), *after], env=env, on_stderr=Relay()
    )
    refs = tuple(parse_porcelain(done.text))
    return Pushed(refs, done.stderr[-2_000:], done.returncode == 0)


def parse_porcelain(porcelain: str) -> list[PushedRef]:
    """The refs of ``git push --porcelain``, each with what became of it."""
    found: list[PushedRef] = []
    for line in porcelain.splitlines():
        match line.split("\t"):
            case [flag, refs, words] if len(flag) == 1:
                found.append(PushedRef(flag, refs.rpartition(":")[2], words))
            case _:
                continue
    return found


def _progress() -> str:
    return "--progress" if sys.stderr.isatty() else "--no-progress"


def _only_there(url: str) -> list[str]:
    """Settings that keep the person's own from sending this transfer anywhere else."""
    settings = [f"url.{url}.insteadOf={url}", f"url.{url}.pushInsteadOf={url}"]
    settings += ["credential.helper=", "push.pushOption="]
    if is_loopback(url):
        settings.append(f"http.{url}.proxy=")
    return [word for setting in settings for word in ("-c", setting)]


def _with_token(api: Api, url: str) -> dict[str, str]:
    env = {**user_environment(), "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": ""}
    return env if api.token is None else {**env, **command.auth_env(url, "lazyaf", api.token)}


class Relay:
    """Passes on what git says while it works: progress and the remote's words, not its complaints,
    which are told in a sentence when it is over."""

    def __init__(self) -> None:
        self._rest = b""

    def __call__(self, piece: bytes) -> None:
        """Pass on every finished line, and progress as it turns."""
        *lines, self._rest = (self._rest + piece).replace(b"\r", b"\r\n").split(b"\n")
        for line in lines:
            text = line.decode(errors="replace")
            if not text.startswith(_QUIET) and text.strip():
                end = "\r" if text.endswith("\r") else "\n"
                click.echo(plain(text).rstrip() + end, err=True, nl=False)
