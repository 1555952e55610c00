"""Land a branch: push it from the internal repository to the real remote, never forcing."""

from __future__ import annotations

import re
from typing import Any, Final

from lazyaf.domain.errors import Conflict, GitFailed, Invalid
from lazyaf.domain.events import Actor, EventType, NewEvent
from lazyaf.git import command, refs
from lazyaf.services.card_branch import branch_ref
from lazyaf.services.context import Context
from lazyaf.services.repositories import find_repo, require_branch
from lazyaf.store.tx import Tx

PUSH_TIMEOUT_S: Final = 600.0
_URL = re.compile(r"^(https?://|ssh://|git://|file:///|/|[\w.-]+@[\w.-]+:)")


async def land_branch(
    ctx: Context, repo_id: str, branch: str, remote_url: str | None, actor: Actor
) -> dict[str, Any]:
    """Push a branch to the remote under its own name; ``{branch, sha, remote_url, pushed}``.

    Uses no credential: a remote that wants one is landed on with `lazyaf land`, which has the
    user's. Raises 409 ``remote_moved`` when the remote is ahead, ``remote_refused`` otherwise.
    """
    require_branch(branch, field="branch")
    repo = await ctx.db.read(find_repo, repo_id)
    remote = remote_url or repo.remote_url
    if not remote:
        raise Invalid.field(
            "remote_url",
            f"{repo.name} has no remote. Set one in its settings, or name it with --remote.",
        )
    if not _URL.match(remote):
        raise Invalid.field("remote_url", f"“{remote}” is not the URL of a git repository.")
    sha = await refs.resolve(ctx.git, repo.id, branch_ref(branch))
    if sha is None:
        raise Invalid.field("branch", f"There is no branch “{branch}” in {repo.name}.")
    pushed = await _push(ctx, repo.id, branch, sha, remote)
    await ctx.db.write(note_landed, repo.id, branch, sha, remote, actor)
    return {"branch": branch, "sha": sha, "remote_url": remote, "pushed": pushed}


async def _push(ctx: Context, repo_id: str, branch: str, sha: str, remote: str) -> bool:
    async with ctx.git.shared(repo_id):
        try:
            done = await command.run(
                [
                    f"--git-dir={ctx.git.path(repo_id)}",
                    "push",
                    "--",
                    remote,
                    f"{sha}:{branch_ref(branch)}",
                ],
                timeout=PUSH_TIMEOUT_S,
            )
        except GitFailed as failed:
            raise _explained(failed, branch, remote) from failed
    return "Everything up-to-date" not in done.stderr


def _explained(failed: GitFailed, branch: str, remote: str) -> Conflict:
    words = failed.detail
    if "non-fast-forward" in words or "fetch first" in words or "[rejected]" in words:
        return Conflict(
            f"{remote} has commits on {branch} that are not here. Ingest them first "
            "(`git pull` in your checkout, then `lazyaf ingest`), then land again.",
            code="remote_moved",
        )
    return Conflict(
        f"{remote} could not be pushed to: {words}. If it wants your credentials, run "
        f"`lazyaf land` in a terminal, which uses your own git.",
        code="remote_refused",
    )


def note_landed(tx: Tx, repo_id: str, branch: str, sha: str, remote: str, actor: Actor) -> None:
    """Announce that a branch is on the real remote now."""
    find_repo(tx, repo_id)
    data = {"branch": branch, "sha": sha, "remote_url": remote, "repo_id": repo_id}
    tx.emit(NewEvent(EventType.BRANCH_LANDED, repo_id, actor, 0, data))
