"""Land a branch: push it from the internal repository to the real remote, never forcing."""

from __future__ import annotations

import re
from typing import Any, Final

from lazyaf.domain.errors import Conflict, GitFailed, Invalid
from lazyaf.domain.events import Actor, EventType, NewEvent
from lazyaf.domain.remotes import Remote, parse_remote
from lazyaf.git import command, refs
from lazyaf.git.fetch import login_env
from lazyaf.services.card_branch import branch_ref
from lazyaf.services.context import Context
from lazyaf.services.remote_login import unseal
from lazyaf.services.repositories import find_repo, require_branch
from lazyaf.store.tx import Tx

PUSH_TIMEOUT_S: Final = 600.0
_URL = re.compile(r"^(https?://|ssh://|git://|file:///|/|[\w.-]+@[\w.-]+:)")


async def land_branch(
    ctx: Context, repo_id: str, branch: str, remote_url: str | None, actor: Actor
) -> dict[str, Any]:
    """Push a branch to the remote under its own name; ``{branch, sha, remote_url, pushed}``.

    Uses the credentials that are kept for the remote, or those in ``remote_url``, which are not
    kept; a remote that wants others is landed on with `lazyaf land`, which has the user's. Raises
    409 ``remote_moved`` when the remote is ahead, ``remote_refused`` otherwise.
    """
    require_branch(branch, field="branch")
    repo = await ctx.db.read(find_repo, repo_id)
    wanted = remote_url or repo.remote_url
    if not wanted:
        raise Invalid.field(
            "remote_url",
            f"{repo.name} has no remote. Set one in its settings, or name it with --remote.",
        )
    remote = parse_remote(wanted)
    if not _URL.match(remote.url):
        raise Invalid.field("remote_url", f"“{remote.url}” is not the URL of a git repository.")
    if remote.login is None:
        kept = unseal(ctx.keys, repo.id, repo.remote_secret, remote.url)
        remote = Remote(remote.url, kept)
    sha = await refs.resolve(ctx.git, repo.id, branch_ref(branch))
    if sha is None:
        raise Invalid.field("branch", f"There is no branch “{branch}” in {repo.name}.")
    pushed = await _push(ctx, repo.id, branch, sha, remote)
    await ctx.db.write(note_landed, repo.id, branch, sha, remote.url, actor)
    return {"branch": branch, "sha": sha, "remote_url": remote.url, "pushed": pushed}


async def landed_elsewhere(
    ctx: Context, repo_id: str, branch: str, sha: str, remote_url: str, actor: Actor
) -> dict[str, Any]:
    """Note that a person's own git pushed a commit of this repository to a remote, as `lazyaf land`
    says once it has; the same answer as `land_branch`."""
    require_branch(branch, field="branch")
    repo = await ctx.db.read(find_repo, repo_id)
    if await refs.resolve(ctx.git, repo.id, sha) is None:
        raise Invalid.field("sha", f"There is no commit {sha[:12]} in {repo.name}.")
    url = parse_remote(remote_url).url
    await ctx.db.write(note_landed, repo.id, branch, sha, url, actor)
    return {"branch": branch, "sha": sha, "remote_url": url, "pushed": True}


async def _push(ctx: Context, repo_id: str, branch: str, sha: str, remote: Remote) -> bool:
    async with ctx.git.shared(repo_id):
        try:
            done = await command.run(
                [
                    f"--git-dir={ctx.git.path(repo_id)}",
                    # A password goes where it was given for, and nowhere that leads elsewhere.
                    *(("-c", "http.followRedirects=false") if remote.login else ()),
                    "push",
                    "--",
                    remote.url,
                    f"{sha}:{branch_ref(branch)}",
                ],
                env=command.child_env(login_env(remote)),
                timeout=PUSH_TIMEOUT_S,
            )
        except GitFailed as failed:
            raise _explained(failed, branch, remote.url) from failed
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
