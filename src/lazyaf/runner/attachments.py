"""The files that a person attached to a job's card, fetched where its agent reads them.

They lie beside the tree, read-only and out of git's sight, so no checkpoint and no commit has them; they go
with the tree. Each attempt fetches them anew: a person may have changed them meanwhile.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from lazyaf.agents.prompt import AttachedFile
from lazyaf.domain.attachments import clean_name
from lazyaf.domain.errors import Invalid, Unavailable
from lazyaf.protocol.messages import Job, JobAttachment
from lazyaf.runner.client import Refused, ServerClient
from lazyaf.runner.story import Story
from lazyaf.runner.workdir import remove_tree


class Attachments:
    """See the module. ``folder`` is the job's own; `files` are what `fetch` has brought."""

    def __init__(self, client: ServerClient, job: Job, folder: Path, story: Story) -> None:
        self._client = client
        self._job = job
        self._story = story
        self.folder = folder
        self.files: list[AttachedFile] = []

    @property
    def shown(self) -> tuple[Path, ...]:
        """What the sandbox must show of it, read-only."""
        return (self.folder,) if self.files else ()

    @property
    def variables(self) -> dict[str, str]:
        """For a scripted agent, which reads no prompt; empty when there is nothing."""
        return {"CARD_ATTACHMENTS": str(self.folder) if self.files else ""}

    async def fetch(self) -> None:
        """Bring all of them. One that was removed from the card meanwhile is told and left out; without one
        that cannot be had the agent must not begin: raises `Unavailable`, or `Invalid` for a name."""
        await asyncio.to_thread(remove_tree, self.folder)
        self.files = []
        wanted = self._job.attachments
        if not wanted:
            return
        _require_plain([attachment.name for attachment in wanted])
        await asyncio.to_thread(self.folder.mkdir, mode=0o700)
        for attachment in wanted:
            if await self._fetch(attachment, self.folder / attachment.name):
                self.files.append(
                    AttachedFile(
                        str(self.folder / attachment.name), attachment.media_type, attachment.size
                    )
                )
        await asyncio.to_thread(self.folder.chmod, 0o555)

    async def _fetch(self, attachment: JobAttachment, path: Path) -> bool:
        try:
            found = await self._client.attachment(self._job, attachment.id, path)
        except Refused as refused:
            if refused.code != "not_found":
                raise Unavailable(
                    f"The attached file “{attachment.name}” cannot be fetched: {refused.detail}"
                ) from None
            self._story.system(
                f"“{attachment.name}” was removed from the card; the agent goes without it."
            )
            return False
        if found != attachment.sha256:
            raise Unavailable(
                f"The attached file “{attachment.name}” is damaged on the server. Remove it from the card, "
                "and attach it again."
            )
        await asyncio.to_thread(path.chmod, 0o444)
        return True


def _require_plain(names: list[str]) -> None:
    """The server has made them so; what becomes a path is looked at all the same."""
    if len({name.casefold() for name in names}) < len(names) or any(
        clean_name(name) != name for name in names
    ):
        raise Invalid("The names of the attached files cannot be those of files in one directory.")
