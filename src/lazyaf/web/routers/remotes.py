"""Repositories and their real remotes: fetched from, landed on."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from lazyaf.services import import_repo
from lazyaf.services.deploy_key import make_deploy_key, pin_host
from lazyaf.services.land_branch import Seen, land_branch, landed_elsewhere
from lazyaf.services.merge_remote import merge_remote
from lazyaf.services.preview_land import preview_land
from lazyaf.web import schemas
from lazyaf.web.auth import Person, State
from lazyaf.web.errors import PROBLEMS
from lazyaf.web.paging import RepoKey

router = APIRouter(prefix="/api/repos", tags=["repositories"], responses=PROBLEMS)


@router.post("/import", status_code=201, response_model=schemas.Repo)
async def post_import(
    state: State, person: Person, wanted: schemas.ImportRequest
) -> dict[str, Any]:
    """A repository of what is at a URL; it answers at once, and is fetched meanwhile, or waits for its key."""
    return await import_repo.import_repo(
        state.ctx,
        url=wanted.url,
        name=wanted.name,
        username=wanted.username,
        password=wanted.secret,
        actor=person,
    )


@router.post("/{repo_id}/fetch", response_model=schemas.Repo)
async def post_fetch(
    state: State, person: Person, repo_id: RepoKey, login: schemas.Credentials | None = None
) -> dict[str, Any]:
    """Bring a repository up to date from its remote; branches are only ever forwarded."""
    return await import_repo.fetch_again(
        state.ctx,
        repo_id,
        username=login.username if login else None,
        password=login.secret if login else None,
        actor=person,
    )


@router.delete("/{repo_id}/credentials", status_code=204)
async def delete_credentials(state: State, person: Person, repo_id: RepoKey) -> Response:
    """Forget the credentials that are kept for the remote."""
    await import_repo.forget_login(state.ctx, repo_id, person)
    return Response(status_code=204)


@router.post("/{repo_id}/deploy-key", response_model=schemas.Repo)
async def post_deploy_key(state: State, person: Person, repo_id: RepoKey) -> dict[str, Any]:
    """Make a key for a remote over ssh, and pin its host's key; the public half is in the answer."""
    return await make_deploy_key(state.ctx, repo_id, person)


@router.post("/{repo_id}/host-key", response_model=schemas.Repo)
async def post_host_key(state: State, person: Person, repo_id: RepoKey) -> dict[str, Any]:
    """Pin the key that the remote's host shows now."""
    return await pin_host(state.ctx, repo_id, person)


@router.post("/{repo_id}/land/preview", response_model=schemas.LandPreview)
async def post_land_preview(
    state: State, person: Person, repo_id: RepoKey, wanted: schemas.LandTarget
) -> dict[str, Any]:
    """What landing would push, compared with the remote as it is now; nothing is pushed."""
    return await preview_land(state.ctx, repo_id, wanted.branch, wanted.remote_url)


@router.post("/{repo_id}/land/merge", response_model=schemas.LandPreview)
async def post_land_merge(
    state: State, person: Person, repo_id: RepoKey, wanted: schemas.MergeRemoteRequest
) -> dict[str, Any]:
    """Bring the commits that the remote's branch has into the one here; answers with the new preview."""
    seen = Seen(wanted.seen.sha, wanted.seen.remote_sha)
    return await merge_remote(state.ctx, repo_id, wanted.branch, wanted.remote_url, seen, person)


@router.post("/{repo_id}/land", response_model=schemas.Landed)
async def post_land(
    state: State, person: Person, repo_id: RepoKey, land: schemas.LandRequest
) -> dict[str, Any]:
    """Push a branch to the real remote, never forcing."""
    seen = None if land.seen is None else Seen(land.seen.sha, land.seen.remote_sha)
    return await land_branch(state.ctx, repo_id, land.branch, land.remote_url, person, seen=seen)


@router.post("/{repo_id}/landed", response_model=schemas.Landed)
async def post_landed(
    state: State, person: Person, repo_id: RepoKey, landed: schemas.LandedRequest
) -> dict[str, Any]:
    """Note that a person's own git pushed a branch to the real remote."""
    return await landed_elsewhere(
        state.ctx, repo_id, landed.branch, landed.sha, landed.remote_url, person
    )
