"""The trailers of a commit's message, by git's own rules (git-interpret-trailers)."""

from __future__ import annotations

from collections.abc import Sequence

from lazyaf.git.storage import Storage

NO_COMMENTS = "core.commentChar=\x01"
"""A line that begins with a hash is part of the message: it was no editor that wrote it."""


async def with_trailers(
    storage: Storage, repo_id: str, message: str, trailers: Sequence[tuple[str, str]]
) -> str:
    """The message with these trailers (a key, a value in one line) at its end, each of them once, also where
    the message had it already."""
    args = [word for key, value in trailers for word in ("--trailer", f"{key}: {value}")]
    async with storage.shared(repo_id):
        said = await storage.git(
            repo_id,
            ["-c", NO_COMMENTS, "interpret-trailers", "--no-divider", "--if-exists=addIfDifferent", *args],
            stdin=message.encode(),
        )  # fmt: skip
    return said.stdout.decode(errors="replace")
