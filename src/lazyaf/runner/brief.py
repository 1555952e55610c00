"""What an agent gets to know: its prompt and its card's variables.

Both come from the job and from the base commit in the cache, never from the work tree, where a README
may be a link to something private.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from lazyaf.agents import prompt
from lazyaf.agents.prompt import AttachedFile, Done
from lazyaf.protocol.messages import Job
from lazyaf.runner.cache import Cache

READMES: Final = ("README.md", "README.rst", "README.txt", "README", "readme.md", "Readme.md")


async def done_so_far(job: Job, cache: Cache) -> Done:
    """What earlier attempts and rounds left, as the server has it. Raises `GitFailed`."""
    head, saved = job.resume.head or job.branch_sha, job.resume.checkpoint
    return Done(
        commits=await cache.subjects(job.base_sha, head) if head is not None else [],
        changed=await cache.changed(head, saved) if head is not None and saved is not None else [],
    )


async def write_prompt(
    job: Job,
    cache: Cache,
    conflicts: Sequence[str],
    done: Done | None = None,
    *,
    attachments: Sequence[AttachedFile] = (),
) -> str:
    """The prompt of this round; ``done`` is for an agent that remembers nothing of it. Raises
    `GitFailed`."""
    return prompt.render(
        job.prompt_template,
        job.task,
        branch=job.branch,
        base=job.base,
        readme=await cache.read_file(job.base_sha, READMES),
        conflicts=conflicts,
        followup=(job.resume.head or job.branch_sha) is not None,
        done=done,
        attachments=attachments,
    )


def card_variables(job: Job, conflicts: Sequence[str]) -> dict[str, str]:
    """Variables about the card for the agent and the setup command; the job's own win."""
    return {
        "CARD_ID": job.task.card_id,
        "CARD_NUMBER": str(job.task.number),
        "CARD_TITLE": job.task.title,
        "CARD_DESCRIPTION": job.task.description,
        "BRANCH_NAME": job.branch,
        "BASE_BRANCH": job.base,
        "MERGE_CONFLICTS": json.dumps(list(conflicts)) if conflicts else "",
        **job.env,
    }
