"""The runner's own commit: what the agent left uncommitted, in the runner's name (rule R10).

Made from a snapshot with plumbing, so that neither hooks, signing nor a stale index lock of the
agent's are in the way. Never on top of a rebase, conflicts or a detached HEAD.
"""

from __future__ import annotations

from lazyaf.domain.co_authors import CO_AUTHORS
from lazyaf.protocol.messages import Job
from lazyaf.runner.snapshot import Snapshot
from lazyaf.runner.treegit import TreeGit


def message(job: Job, *, complete: bool) -> str:
    """Title, where it comes from, and who helped; it says when the work is not complete."""
    title = " ".join(job.task.title.split()) or f"Card #{job.task.number}"
    lines = [title if complete else f"Work in progress: {title}", "", f"Card #{job.task.number}"]
    if author := CO_AUTHORS.get(job.agent):
        lines += ["", f"Co-authored-by: {author}"]
    return "\n".join(lines) + "\n"


async def commit_rest(git: TreeGit, taken: Snapshot, text: str) -> str:
    """Commit what the snapshot holds beyond HEAD; the commit that the branch should stand at.

    Raises `GitFailed`.
    """
    if taken.unfinished is not None or not taken.dirty:
        return taken.tip
    parents = ["-p", taken.head]
    if taken.merging is not None:
        parents += ["-p", taken.merging]
    commit = await git.sha("commit-tree", taken.tree, *parents, stdin=text.encode())
    # For whoever looks into the tree later; the push takes the commit by its id.
    await git.run("update-ref", "HEAD", commit, taken.head, ok=None)
    await git.run("reset", "--quiet", ok=None)
    return commit
