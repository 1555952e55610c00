"""Looks at what the real remote has of a branch: before it is landed on, and before it is merged from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lazyaf.domain.errors import Invalid
from lazyaf.domain.remotes import Remote, is_fetchable, is_on_disk, parse_remote, require_fetchable
from lazyaf.git import fetch, refs, remotes
from lazyaf.git.remotes import Listing
from lazyaf.services.card_branch import branch_ref
from lazyaf.services.context import Context
from lazyaf.services.deploy_key import with_access
from lazyaf.services.repositories import find_repo, require_branch
from lazyaf.services.track_remote import remember
from lazyaf.store.repos import RepoRow

_SCHEME: Final = re.compile(r"\w[\w+.-]*:")


@dataclass(frozen=True, slots=True)
class Aim:
    """A branch of a repository, its tip, and the remote that it is to go to."""

    repo: RepoRow
    branch: str
    sha: str
    remote: Remote

    @property
    def is_own(self) -> bool:
        """Whether it is the repository's remote, and no other that someone named."""
        return self.remote.url == self.repo.remote_url


@dataclass(frozen=True, slots=True)
class Look:
    """What the remote has: ``there`` is the commit of its branch of this name, if it has one;
    ``is_here`` says whether that commit was fetched."""

    aim: Aim
    listing: Listing
    there: str | None
    is_here: bool


async def aim_at(ctx: Context, repo_id: str, branch: str, remote_url: str | None) -> Aim:
    """Find out what would go where. The credentials that are kept for the remote count, or those in
    ``remote_url``, which are not kept. Raises `Invalid`."""
    require_branch(branch, field="branch")
    repo = await ctx.db.read(find_repo, repo_id)
    wanted = remote_url or repo.remote_url
    if not wanted:
        raise Invalid.field(
            "remote_url",
            f"{repo.name} has no remote. Set one in its settings, or name it with --remote.",
        )
    remote = parse_remote(wanted)
    _require_landable(remote.url)
    remote = with_access(ctx.keys, repo, remote)
    sha = await refs.resolve(ctx.git, repo.id, branch_ref(branch))
    if sha is None:
        raise Invalid.field("branch", f"There is no branch “{branch}” in {repo.name}.")
    return Aim(repo, branch, sha, remote)


def _require_landable(url: str) -> None:
    if is_on_disk(url):
        return
    if not _SCHEME.match(url) and "@" not in url:
        raise Invalid.field("remote_url", f"“{url}” is not the URL of a git repository.")
    require_fetchable(url, field="remote_url")


async def look_at_remote(ctx: Context, aim: Aim) -> Look:
    """Ask the remote, and fetch its branch of this name unless it is here already.

    The repository remembers where its own remote's branch was seen. What is on this machine's disk is
    asked and not fetched. Raises `Conflict` as `lazyaf.git.fetch.fetch` does.
    """
    listing = await remotes.list_branches(ctx.git, aim.remote, disk=True)
    there = listing.branches.get(aim.branch)
    async with ctx.git.shared(aim.repo.id):
        is_here = there is None or await _has(ctx, aim, there)
        if there is not None and not is_here and is_fetchable(aim.remote.url):
            fetched = await fetch.fetch(ctx.git, aim.repo.id, aim.remote, branch=aim.branch)
            there, is_here = fetched.branches[aim.branch], True
        if is_here and aim.is_own:
            await remember(ctx, aim.repo.id, {aim.branch: there})
    return Look(aim, listing, there, is_here)


async def _has(ctx: Context, aim: Aim, sha: str) -> bool:
    return await refs.resolve(ctx.git, aim.repo.id, sha) is not None
