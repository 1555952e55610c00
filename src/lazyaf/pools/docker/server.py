"""What the pool asks of the server that it works for; `lazyaf.wiring.docker` answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from typing import Protocol

from lazyaf.domain.containers import Coming
from lazyaf.domain.runners import RunnerEnd


class Server(Protocol):
    """The pool's view of the server."""

    async def open_door(self, host: str, port: int) -> int:
        """Listen for runners there, if that is not done yet; the port. Raises `Unavailable`."""
        ...

    async def new_token(self, runner: str) -> tuple[str, str]:
        """Id and text of a token with which this runner can register once."""
        ...

    async def revoke(self, token_id: str) -> None:
        """Make it useless; harmless when it is gone."""
        ...

    async def keep_tokens(self, token_ids: Collection[str]) -> None:
        """Revoke every token of this pool but these."""
        ...

    async def lost(self, runner: str, end: RunnerEnd) -> None:
        """This runner is dead: its job goes back."""
        ...

    async def drain(self, runner: str) -> None:
        """Give this runner no job any more."""
        ...

    async def names(self) -> set[str]:
        """The runners of this pool that the server knows."""
        ...

    async def allowances(self) -> Mapping[str, tuple[str, Sequence[str]]]:
        """By runner the job that it works, and the hosts which that may reach."""
        ...

    async def blocked(self, job_id: str, host: str, times: int) -> None:
        """A job did not reach this host, so many times more."""
        ...

    async def coming(self, limit: int) -> Coming:
        """What is needed next."""
        ...

    async def cacheable(self) -> set[str]:
        """The repositories that may have a cache."""
        ...

    def cached(self, repo_ids: Collection[str]) -> None:
        """These have one: their jobs are for containers with it."""
        ...

    def bundle(self, repo_id: str) -> AsyncGenerator[bytes, None]:
        """Of what one is made (`git bundle`). Raises `LazyafError`."""
        ...

    async def preparing(self, images: Collection[str]) -> None:
        """These images are being seen to, and no others."""
        ...

    async def refuse(self, image: str, why: str, agent: str | None = None) -> None:
        """No runner can work in this image, or this agent cannot: the jobs that wait for it fail."""
        ...

    async def busy(self) -> set[str]:
        """Those of them that have a job."""
        ...
