"""A repository whose remote is on a forge of the tests, with a token that may write there."""

from __future__ import annotations

from factories.scene import Scene
from fakes.forge_server import ForgeServer
from lazyaf.domain.events import PERSON
from lazyaf.services.edit_repo import edit_repo
from lazyaf.services.forge_token import keep_token
from lazyaf.services.land_branch import land_branch

TOKEN = "s3cret-of-the-forge"
NAME = "ada/shop"


async def forged_repo(scene: Scene, forge: ForgeServer) -> str:
    """Its main is on the forge; git and the API take the same token."""
    forge.tokens[TOKEN] = "write"
    repo_id = await scene.repo()
    settings = {"forge": forge.kind, "forge_api_url": forge.api_url, "forge_shares_login": True}
    changes = {"remote_url": forge.repo(NAME), "settings": settings}
    await edit_repo(scene.ctx, repo_id, changes, if_match=None, actor=PERSON)
    await keep_token(scene.ctx, repo_id, TOKEN, PERSON)
    await land_branch(scene.ctx, repo_id, "main", None, PERSON)
    return repo_id
