"""The one door to the container engine: its API over aiodocker, its failures as typed errors.

Everything that goes wrong comes out as `EngineAbsent` (nobody answers: it may come back), `ImageMissing`
(build it) or `EngineRefused` (it answered, and said no).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import aiodocker
import aiohttp
import structlog
from aiodocker.events import DockerEvents
from aiodocker.networks import DockerNetwork
from aiodocker.stream import Stream
from aiodocker.volumes import DockerVolume

from lazyaf.domain.errors import Unavailable

log = structlog.get_logger(__name__)

T = TypeVar("T")

CALL_S: Final = 60.0
DEFAULT_SOCKETS: Final = (Path("/var/run/docker.sock"), Path("/run/podman/podman.sock"))
NOT_FOUND: Final = 404
CONFLICT: Final = 409


START: Final = (
    "Start it (`sudo systemctl start docker`), or say where it is with DOCKER_HOST; your user must be "
    "allowed to use it. The pool notices by itself."
)


class EngineAbsent(Unavailable):
    """No container engine answers."""

    fix = START


class EngineRefused(Unavailable):
    """The engine answered and did not do it. ``status`` is that of its HTTP answer."""

    def __init__(self, detail: str, status: int) -> None:
        super().__init__(detail)
        self.engine_status = status


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that the engine tells of: ``action`` is ``die``, ``oom`` or ``destroy``."""

    action: str
    container_id: str
    labels: Mapping[str, str]
    exit_code: int | None = None


class Engine:
    """A connection to the engine. Use as an async context manager."""

    def __init__(self, host: str | None) -> None:
        self.host = host or os.environ.get("DOCKER_HOST") or _default_host()
        self._docker: aiodocker.Docker

    async def __aenter__(self) -> Engine:
        """Raises `EngineAbsent` when nobody answers."""
        try:
            self._docker = aiodocker.Docker(url=self.host)
        except ValueError as error:
            raise EngineAbsent(f"The engine's address {self.host} is of no use: {error}") from None
        try:
            await self._call(self._docker.version())
        except BaseException:
            await self._docker.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._docker.close()

    async def _call(self, work: Awaitable[T], seconds: float = CALL_S) -> T:
        """One call, with failures by name."""
        try:
            async with asyncio.timeout(seconds):
                return await work
        except aiodocker.DockerError as error:
            message = getattr(error, "message", None) or str(error)
            if error.status in (900, 901):  # aiodocker's own, for a connection that failed
                raise EngineAbsent(str(message)) from None
            raise EngineRefused(str(message), error.status) from None
        except (aiohttp.ClientError, OSError) as error:
            raise EngineAbsent(f"{self.host}: {str(error) or type(error).__name__}") from None
        except TimeoutError:
            raise EngineAbsent(f"{self.host} does not answer.") from None

    async def room(self) -> tuple[int, int]:
        """How many processors the engine's machine has, and how many bytes of memory."""
        found = await self._call(self._docker.system.info())
        return int(found["NCPU"]), int(found["MemTotal"])

    async def image(self, name: str) -> dict[str, Any] | None:
        """What the engine knows of an image; None when it has none of this name."""
        try:
            return await self._call(self._docker.images.inspect(name))
        except EngineRefused as refused:
            if refused.engine_status == NOT_FOUND:
                return None
            raise

    async def pull(self, name: str, seconds: float) -> None:
        """Get an image from its registry. Raises `EngineRefused` with what the engine says."""
        await self._call(self._docker.images.pull(name), seconds)

    async def volumes(self, filters: Mapping[str, Sequence[str]]) -> list[str]:
        """The names of the volumes that fit."""
        found = await self._call(
            self._docker.volumes.list(filters=filters)  # type: ignore[no-untyped-call]
        )
        return [each["Name"] for each in found["Volumes"] or ()]

    async def remove_volume(self, name: str) -> None:
        """Remove a volume; harmless when it is gone, and one that is in use stays."""
        with _gone_is_fine():
            volume = DockerVolume(self._docker, name)  # type: ignore[no-untyped-call]
            await self._call(volume.delete())  # type: ignore[no-untyped-call]

    async def run(self, name: str, body: dict[str, Any]) -> tuple[int, str, str]:
        """Run a container to its end and remove it: its exit code, what it said on stdout and on stderr."""
        container_id = await self.create(name, body)
        container = self._docker.containers.container(container_id)
        try:
            await self.start(container_id)
            ended = await self._call(container.wait())
            said = await self._call(container.log(stdout=True))
            complaint = await self._call(container.log(stderr=True))
            return int(ended["StatusCode"]), "".join(said), "".join(complaint).strip()
        finally:
            await asyncio.shield(self.remove(container_id))

    async def containers(self, filters: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
        """Every container that fits, running or not, as the engine lists them."""
        found = await self._call(self._docker.containers.list(all=True, filters=_as_json(filters)))
        return [container._container for container in found]

    async def create(self, name: str, body: dict[str, Any]) -> str:
        """Make a container; its id."""
        return (await self._call(self._docker.containers.create(body, name=name))).id

    async def start(self, container_id: str) -> None:
        """Start it."""
        await self._call(self._docker.containers.container(container_id).start())

    async def start_with(self, container_id: str, said: bytes) -> None:
        """Start it and say this to its stdin, which then ends."""
        container = self._docker.containers.container(container_id)
        stream = container.attach(stdin=True)
        try:
            await self._call(_open(stream))
            await self._call(container.start())
            await self._call(stream.write_in(said))
        finally:
            await stream.close()

    async def feed(
        self, container_id: str, stream: AsyncGenerator[bytes, None], seconds: float
    ) -> tuple[int, str]:
        """Start a container, say this to its stdin, and wait for its end: its exit code, and what it said on
        stderr."""
        container = self._docker.containers.container(container_id)
        attached = container.attach(stdin=True)
        try:
            await self._call(_open(attached))
            await self._call(container.start())
            async with contextlib.aclosing(stream):
                with contextlib.suppress(OSError):  # it has ended, and its code says how
                    async for chunk in stream:
                        await attached.write_in(chunk)
        finally:
            await attached.close()
        ended = await self._call(container.wait(), seconds)
        return int(ended["StatusCode"]), await self.last_words(container_id)

    @contextlib.asynccontextmanager
    async def conversation(self, container_id: str) -> AsyncIterator[Stream]:
        """The stdin and the output from now on of a running container."""
        container = self._docker.containers.container(container_id)
        stream = container.attach(stdin=True, stdout=True)
        try:
            await self._call(_open(stream))
            yield stream
        finally:
            await stream.close()

    async def inspect(self, container_id: str) -> dict[str, Any] | None:
        """Everything about a container; None when there is none."""
        try:
            return await self._call(self._docker.containers.container(container_id).show())
        except EngineRefused as refused:
            if refused.engine_status == NOT_FOUND:
                return None
            raise

    async def last_words(self, container_id: str, lines: int = 5) -> str:
        """The end of what a container said on stderr."""
        container = self._docker.containers.container(container_id)
        try:
            said = await self._call(container.log(stdout=False, stderr=True, tail=lines))
        except EngineRefused:
            return ""
        return "".join(said).strip()

    async def kill(self, container_id: str, signal: str = "SIGKILL") -> None:
        """Send a signal; harmless when it does not run any more."""
        container = self._docker.containers.container(container_id)
        with _gone_is_fine():
            await self._call(container.kill(signal=signal))

    async def stop(self, container_id: str, grace_s: float) -> None:
        """SIGTERM, and SIGKILL after the grace; returns when it is over."""
        container = self._docker.containers.container(container_id)
        with _gone_is_fine():
            await self._call(container.stop(t=int(grace_s)))

    async def remove(self, container_id: str) -> None:
        """Remove a container with its anonymous volumes, running or not; harmless when it is gone."""
        container = self._docker.containers.container(container_id)
        with _gone_is_fine():
            await self._call(container.delete(force=True, v=True))

    async def networks(
        self, filters: Mapping[str, Sequence[str]] | None = None
    ) -> list[dict[str, Any]]:
        """Every network that fits."""
        return await self._call(self._docker.networks.list(filters=filters))

    async def create_network(self, body: dict[str, Any]) -> str:
        """Make a network; its id."""
        return str((await self._call(self._docker.networks.create(body))).id)

    async def connect(self, network_id: str, container_id: str, address: str) -> None:
        """Give a container a leg in a network; harmless when it has one there."""
        network = self._network(network_id)
        endpoint = {"IPAMConfig": {"IPv4Address": address}}
        body = {"Container": container_id, "EndpointConfig": endpoint}
        try:
            await self._call(network.connect(body))
        except EngineRefused as refused:
            if "already exists" not in refused.detail:
                raise

    async def remove_network(self, network_id: str) -> None:
        """Remove a network with what still has a leg in it; harmless when it is gone."""
        network = self._network(network_id)
        with _gone_is_fine():
            known = await self._call(network.show())
            for container_id in known.get("Containers") or {}:
                await self._call(network.disconnect({"Container": container_id, "Force": True}))
            await self._call(network.delete())

    def _network(self, network_id: str) -> DockerNetwork:
        return DockerNetwork(self._docker, network_id)  # type: ignore[no-untyped-call]

    async def happenings(self, filters: Mapping[str, Sequence[str]]) -> AsyncIterator[Happening]:
        """Deaths as the engine tells them, for as long as it lives."""
        wanted = {"type": ["container"], "event": ["die", "oom"], **filters}
        events = DockerEvents(self._docker)  # type: ignore[no-untyped-call]
        subscriber = events.subscribe(filters=_as_json(wanted))  # type: ignore[no-untyped-call]
        try:
            while (event := await subscriber.get()) is not None:
                actor = event.get("Actor", {})
                attributes = actor.get("Attributes", {})
                code = attributes.get("exitCode", "")
                yield Happening(
                    event.get("Action", ""),
                    actor.get("ID", ""),
                    attributes,
                    int(code) if code.isdigit() else None,
                )
        finally:
            with contextlib.suppress(aiodocker.DockerError, aiohttp.ClientError, OSError):
                await events.stop()  # type: ignore[no-untyped-call]


async def _open(stream: Stream) -> None:
    await stream._init()  # only reading or writing would do it otherwise, and both come too late


def _as_json(filters: Mapping[str, Sequence[str]]) -> str:
    return json.dumps({name: list(values) for name, values in filters.items()})


@contextlib.contextmanager
def _gone_is_fine() -> Iterator[None]:
    try:
        yield
    except EngineRefused as refused:
        if refused.engine_status not in (NOT_FOUND, CONFLICT):
            raise


def _default_host() -> str:
    found = next((path for path in DEFAULT_SOCKETS if path.exists()), DEFAULT_SOCKETS[0])
    return f"unix://{found}"
