"""The card templates of a repository, as they stand at the tip of its default branch."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from lazyaf.domain.card_templates import COUNT_MAX, FOLDER, SUFFIX, CardTemplate, template_of
from lazyaf.git import blobs, refs
from lazyaf.services.card_branch import branch_ref
from lazyaf.services.context import Context
from lazyaf.services.front_matter import read_front_matter
from lazyaf.services.repositories import find_repo


async def list_templates(ctx: Context, repo_key: str) -> list[dict[str, Any]]:
    """Every template of a repository (id or name), by the name of its file. An agent's branch has no say."""
    repo = await ctx.db.read(find_repo, repo_key)
    if not ctx.git.exists(repo.id):
        return []
    tip = await refs.resolve(ctx.git, repo.id, branch_ref(repo.default_branch))
    if tip is None:
        return []
    files = await blobs.read_folder(ctx.git, repo.id, tip, FOLDER, SUFFIX, COUNT_MAX)
    parsed = await asyncio.to_thread(lambda: [_parse(*file) for file in files])
    return [{**asdict(template), "labels": list(template.labels)} for template in parsed]


def _parse(name: str, content: bytes) -> CardTemplate:
    found = read_front_matter(content.decode(errors="replace"))
    return template_of(name, found.values, found.body, found.problem)
