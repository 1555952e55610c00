"""Where in a job's life a fault can strike, as it shows on the wire between a runner and the server."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

HEAD_MAX: Final = 64 * 1024
_REQUEST: Final = re.compile(rb"^(GET|POST|PUT|PATCH|DELETE) (\S+) HTTP/1\.1\r\n")


class Moment(StrEnum):
    """A part of a job's life, in its order."""

    QUEUED = "queued"
    CLAIMING = "claiming"
    FETCHING = "fetching"
    SETUP = "setup"
    RUNNING = "agent running"
    CHECKPOINTING = "checkpointing"
    PUSHING = "pushing"
    FINISHING = "finishing"
    APPROVING = "approving"


class Stage(StrEnum):
    """How far an exchange has come."""

    ASKED = "asked"
    """The request is here; the server has not seen it."""
    ANSWERED = "answered"
    """The server has answered; who asked has not seen it."""
    HEARD = "heard"
    """The answer has been passed on."""


@dataclass(slots=True)
class Exchange:
    """One request with what is known of its answer. ``head`` is how the request begins, body and all."""

    method: str
    path: str
    head: bytearray = field(default_factory=bytearray)
    status: int | None = None

    @classmethod
    def begun_by(cls, chunk: bytes) -> Exchange | None:
        """The exchange that these bytes begin, if they begin one."""
        found = _REQUEST.match(chunk)
        return None if found is None else cls(found[1].decode(), found[2].decode())

    def asks(self, chunk: bytes) -> None:
        """More of the request."""
        if len(self.head) < HEAD_MAX:
            self.head += chunk

    def answers(self, chunk: bytes) -> None:
        """The answer begins with this."""
        if self.status is None and chunk.startswith(b"HTTP/1.1 "):
            self.status = int(chunk[9:12])

    def is_part_of(self, moment: Moment) -> bool:
        """Whether this belongs to that part of a job's life."""
        return _PARTS[moment](self)


def _is_claim(exchange: Exchange) -> bool:
    return exchange.path.endswith("/claim") and exchange.status == 200


def _is_fetch(exchange: Exchange) -> bool:
    return "git-upload-pack" in exchange.path


def _is_push(exchange: Exchange) -> bool:
    return exchange.path.endswith("/git-receive-pack") and b"/head" in exchange.head


def _saves(exchange: Exchange) -> bool:
    if exchange.path.endswith("/checkpoint"):
        return True
    return exchange.path.endswith("/git-receive-pack") and b"/checkpoint" in exchange.head


def _tells(exchange: Exchange, text: bytes) -> bool:
    is_log = exchange.method == "POST" and exchange.path.endswith("/log")
    return is_log and text in exchange.head


_PARTS: Final = {
    Moment.QUEUED: lambda _: False,  # nothing is said then
    Moment.CLAIMING: _is_claim,
    Moment.FETCHING: _is_fetch,
    Moment.SETUP: lambda exchange: _tells(exchange, b'"name":"setup"'),
    Moment.RUNNING: lambda exchange: _tells(exchange, b"tick "),
    Moment.CHECKPOINTING: _saves,
    Moment.PUSHING: lambda exchange: _is_push(exchange) and not _saves(exchange),
    Moment.FINISHING: lambda exchange: exchange.path.endswith("/finish"),
    Moment.APPROVING: lambda exchange: exchange.path.endswith("/approve"),
}
