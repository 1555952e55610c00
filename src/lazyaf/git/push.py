"""Pushing one branch from a repository of the storage to a real remote, never forcing.

A lease says where the remote's branch was seen: what was shown to a person is what is pushed, and a
remote that moved since refuses, even where its new place were a fast-forward, too. The lease alone would
let git overwrite what it names, so the caller makes sure that it is an ancestor.
"""

from __future__ import annotations

from typing import Final

from lazyaf.domain.errors import Conflict, GitFailed
from lazyaf.domain.remotes import Remote
from lazyaf.git import command
from lazyaf.git.refs import HEADS, require_object_ids
from lazyaf.git.remotes import explained, reaching, settings_of
from lazyaf.git.storage import Storage

PUSH_TIMEOUT: Final = 600.0
_MOVED: Final = ("non-fast-forward", "fetch first", "stale info", "[rejected]")


async def push(
    storage: Storage, repo_id: str, remote: Remote, branch: str, sha: str, *, lease: str | None
) -> bool:
    """Push ``sha`` to the remote's branch; whether it was news there.

    ``lease`` is the commit that the branch must be at, an ancestor of ``sha``; the empty text: it must not
    be there; None: wherever it fast-forwards. Raises `Conflict` ``remote_moved`` or ``remote_refused``.
    """
    require_object_ids(sha, *([lease] if lease else []))
    ref = f"{HEADS}{branch}"
    expected = [] if lease is None else [f"--force-with-lease={ref}:{lease}"]
    async with storage.shared(repo_id) as path, reaching(storage, remote, disk=True) as reach:
        try:
            done = await command.run(
                [f"--git-dir={path}", *settings_of(remote), "push", "--no-verify",
                 "--recurse-submodules=no", *expected, "--", remote.url, f"{sha}:{ref}"],
                env=reach.env,
                timeout=PUSH_TIMEOUT,
            )  # fmt: skip
        except GitFailed as failed:
            raise _explained(failed.detail, branch, remote) from failed
    return "Everything up-to-date" not in done.stderr


def moved(branch: str, remote: Remote) -> Conflict:
    """The remote's branch is not where it was seen, or has commits that are not here."""
    return Conflict(
        f"{remote.url} has commits on {branch} that are not here. Look again, and merge them in first; "
        "nothing is ever forced.",
        code="remote_moved",
    )


def _explained(words: str, branch: str, remote: Remote) -> Conflict:
    if any(phrase in words for phrase in _MOVED):
        return moved(branch, remote)
    if remote.key is not None and "Could not read from remote" in words:
        return explained(words, remote)
    return Conflict(
        f"{remote.url} could not be pushed to: {words}. If it wants your credentials, run "
        f"`lazyaf land` in a terminal, which uses your own git.",
        code="remote_refused",
    )
