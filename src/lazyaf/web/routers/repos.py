"""Repositories: records, ingestion, branches, commits, and diffs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from lazyaf.domain.attachments import UNKNOWN
from lazyaf.domain.remotes import parse_remote
from lazyaf.services import repositories
from lazyaf.services.check_branch import check_branch
from lazyaf.services.edit_repo import edit_repo
from lazyaf.services.inspect_repo import (
    list_branches,
    list_commits,
    read_file_of_repo,
    repo_diff,
)
from lazyaf.services.show_checks import checks_of_branch
from lazyaf.web import schemas
from lazyaf.web.auth import Person, State
from lazyaf.web.errors import PROBLEMS
from lazyaf.web.paging import (
    IF_MATCH,
    Cursor,
    FilePath,
    Limit,
    RepoKey,
    encode_cursor,
    number_cursor,
    seen_version,
    text_cursor,
)
from lazyaf.web.sealed import SEALED, sealed_bytes

BlobId = Annotated[str, Path(pattern=r"^[0-9a-f]{40}$")]
router = APIRouter(prefix="/api/repos", tags=["repositories"], responses=PROBLEMS)

Name = Annotated[str | None, Query(max_length=255)]


@router.get("", response_model=schemas.Page[schemas.Repo])
async def get_repos(state: State, limit: Limit = 100, cursor: Cursor = None) -> dict[str, Any]:
    """Every repository, by name."""
    items, after = await state.ctx.db.read(repositories.page_of_repos, text_cursor(cursor), limit)
    return {"items": items, "next_cursor": encode_cursor(after)}


@router.post("/ingest", status_code=201, response_model=schemas.Repo)
@router.post("", status_code=201, response_model=schemas.Repo)
async def post_repo(state: State, person: Person, new: schemas.NewRepo) -> dict[str, Any]:
    """A repository that can hold cards; they start once its content was pushed, as `lazyaf ingest` does.

    Under both names it is the same.
    """
    return await repositories.create_repo(
        state.ctx,
        name=new.name,
        remote=parse_remote(new.remote_url) if new.remote_url else None,
        default_branch=new.default_branch,
        actor=person,
    )


@router.get("/{repo_id}", response_model=schemas.Repo)
async def get_repo(state: State, repo_id: RepoKey) -> dict[str, Any]:
    """One repository, by id or name."""
    return await state.ctx.db.read(repositories.show_repo, repo_id)


@router.patch("/{repo_id}", response_model=schemas.Repo, openapi_extra=IF_MATCH)
async def patch_repo(
    request: Request, state: State, person: Person, repo_id: RepoKey, patch: schemas.RepoPatch
) -> dict[str, Any]:
    """Change a repository; a new default branch moves the internal HEAD."""
    changes = patch.model_dump(exclude_unset=True)
    seen = seen_version(request)
    return await edit_repo(state.ctx, repo_id, changes, if_match=seen, actor=person)


@router.delete("/{repo_id}", status_code=204)
async def delete_repo(state: State, person: Person, repo_id: RepoKey) -> Response:
    """Delete a repository with its cards, jobs and storage; refused while a job is open."""
    await repositories.delete_repo(state.ctx, repo_id, person)
    return Response(status_code=204)


@router.get("/{repo_id}/clone-url", response_model=schemas.CloneUrl)
async def get_clone_url(state: State, repo_id: RepoKey) -> dict[str, str]:
    """How to clone the internal repository; git asks for the token as password of ``lazyaf``."""
    repo = await state.ctx.db.read(repositories.find_repo, repo_id)
    url = f"{state.config.base_url}/git/{repo.id}.git"
    return {"url": url, "command": f"git clone {url} {repo.name}"}


@router.get("/{repo_id}/branches", response_model=schemas.Page[schemas.Branch])
async def get_branches(
    state: State, repo_id: RepoKey, limit: Limit = 100, cursor: Cursor = None
) -> dict[str, Any]:
    """Branches with their distance from the default one, by name."""
    items, after = await list_branches(state.ctx, repo_id, text_cursor(cursor), limit)
    return {"items": items, "next_cursor": encode_cursor(after)}


@router.get("/{repo_id}/checks", response_model=schemas.Page[schemas.CheckRun])
async def get_checks(state: State, repo_id: RepoKey) -> dict[str, Any]:
    """The last runs of the checks on the default branch itself, the newest first."""
    return {"items": await state.ctx.db.read(checks_of_branch, repo_id), "next_cursor": None}


@router.post("/{repo_id}/checks", response_model=schemas.Repo)
async def post_checks(state: State, person: Person, repo_id: RepoKey) -> dict[str, Any]:
    """Run the checks on the tip of the default branch once more, whatever is known of it."""
    return await check_branch(state.ctx, repo_id, person)


@router.get("/{repo_id}/commits", response_model=schemas.Page[schemas.Commit])
async def get_commits(
    state: State,
    repo_id: RepoKey,
    ref: Name = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """The commit graph from a branch, or of all branches, children before parents."""
    items, after = await list_commits(state.ctx, repo_id, ref, cursor, limit)
    return {"items": items, "next_cursor": after}


@router.get("/{repo_id}/diff", response_model=schemas.Diff)
async def get_diff(
    state: State,
    repo_id: RepoKey,
    base: Annotated[str, Query(min_length=1, max_length=255)],
    head: Annotated[str, Query(min_length=1, max_length=255)],
    path: FilePath = None,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """What ``head`` changes since it left ``base``; branches, tags or full ids."""
    found = await repo_diff(state.ctx, repo_id, base, head, path, number_cursor(cursor))
    return {**found, "next_cursor": encode_cursor(found["next_cursor"])}


@router.get(
    "/{repo_id}/blobs/{blob_id}",
    response_class=Response,
    responses=sealed_bytes("The bytes, without a type."),
)
async def get_blob(state: State, repo_id: RepoKey, blob_id: BlobId) -> Response:
    """A file's content by its id, which the sides of a diff name."""
    content = await read_file_of_repo(state.ctx, repo_id, blob_id)
    return Response(content, media_type=UNKNOWN, headers=SEALED)
