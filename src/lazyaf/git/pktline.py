"""Pkt-lines, the framing of git's wire protocol, and the two ends of a push made of them.

Pure functions of bytes (gitprotocol-common, gitprotocol-pack): the server reads push commands and
writes refusals, the runner writes push commands and reads reports. Nothing here does I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from lazyaf.domain.errors import BadRequest, TooLarge

ZERO: Final = "0" * 40
"""The object id that stands for "no such ref"."""

FLUSH: Final = b"0000"
DELIM: Final = b"0001"
REPORTS: Final = frozenset({"report-status", "report-status-v2"})
"""The capabilities by which a push asks how it went."""

MAX_PAYLOAD: Final = 65_516
"""Bytes of payload in one pkt-line (LARGE_PACKET_DATA_MAX)."""

MAX_COMMANDS: Final = 16 * 1024 * 1024
"""Bytes of push commands that are read before the pack: some 150,000 refs."""

MAX_MESSAGES: Final = 64 * 1024

_OID: Final = re.compile(r"[0-9a-f]{40}")
_LENGTH: Final = re.compile(rb"[0-9a-fA-F]{4}")

Command = tuple[str, str, str]
"""``(old, new, ref)``; `ZERO` where the ref is created or deleted."""


class Control(Enum):
    """The pkt-lines that carry no payload."""

    FLUSH = 0
    DELIM = 1
    RESPONSE_END = 2


Packet = bytes | Control


@dataclass(frozen=True, slots=True)
class PushRequest:
    """What a push asks for, before its pack."""

    commands: tuple[Command, ...]
    capabilities: frozenset[str]


@dataclass(frozen=True, slots=True)
class Report:
    """How a push went: ``unpack`` is ``ok`` or git's reason, ``refs`` maps a ref to None (moved)
    or to the reason why it was not; ``messages`` is what the server said on side-band 2 and 3."""

    unpack: str
    refs: dict[str, str | None]
    messages: str = ""


def encode(payload: bytes) -> bytes:
    """One pkt-line. ``ValueError`` beyond `MAX_PAYLOAD` bytes."""
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"a pkt-line carries at most {MAX_PAYLOAD} bytes")
    return b"%04x" % (len(payload) + 4) + payload


def is_pkt_length(head: bytes) -> bool:
    """Whether a body that begins with these four bytes can be pkt-lines at all."""
    return _LENGTH.fullmatch(head) is not None and int(head, 16) != 3


def is_object_id(text: str) -> bool:
    """Whether this is a full SHA-1 object id in lower case, and so safe as an argument."""
    return _OID.fullmatch(text) is not None


class Decoder:
    """Pkt-lines out of a stream that is cut anywhere."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Take in more of the stream."""
        self._buffer += chunk

    def next(self) -> Packet | None:
        """The next whole pkt-line, or None until more is fed. Raises `BadRequest`."""
        head = bytes(self._buffer[:4])
        if len(head) < 4:
            return None
        if not is_pkt_length(head):
            raise BadRequest("The body is no git protocol: a pkt-line begins with four hex digits.")
        length = int(head, 16)
        if length < 4:
            del self._buffer[:4]
            return Control(length)
        if len(self._buffer) < length:
            return None
        payload = bytes(self._buffer[4:length])
        del self._buffer[:length]
        return payload

    def drain(self) -> Iterable[Packet]:
        """Every whole pkt-line that is there."""
        while (packet := self.next()) is not None:
            yield packet


def decode(data: bytes) -> list[Packet]:
    """All pkt-lines of a whole message. Raises `BadRequest`."""
    decoder = Decoder()
    decoder.feed(data)
    return list(decoder.drain())


class PushParser:
    """The commands of a push out of the head of its stream; what follows the flush is not its own.

    ``shallow`` lines are skipped. A signed push is refused: its commands are inside a certificate
    that nobody here checks.
    """

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._size = 0
        self._commands: list[Command] = []
        self._capabilities: frozenset[str] = frozenset()

    def feed(self, chunk: bytes) -> PushRequest | None:
        """The request once its flush has come, else None. Raises `BadRequest`, `TooLarge`."""
        self._size += len(chunk)
        self._decoder.feed(chunk)
        while (packet := self._decoder.next()) is not None:
            if packet is Control.FLUSH:
                return PushRequest(tuple(self._commands), self._capabilities)
            if isinstance(packet, Control):
                raise BadRequest("The push commands are not ended by a flush.")
            self._take(packet)
        if self._size > MAX_COMMANDS:
            raise TooLarge("This push names more refs than the server reads. Push fewer at once.")
        return None

    def _take(self, packet: bytes) -> None:
        line, separator, capabilities = packet.partition(b"\0")
        if line.startswith(b"shallow "):
            return
        if line.startswith(b"push-cert"):
            raise BadRequest("Signed pushes are not supported here. Push without --signed.")
        if separator and not self._commands:
            self._capabilities = frozenset(capabilities.decode(errors="replace").split())
        self._commands.append(_command(line))


def _command(line: bytes) -> Command:
    words = line.rstrip(b"\n").decode(errors="surrogateescape").split(" ", 2)
    if len(words) != 3 or not is_object_id(words[0]) or not is_object_id(words[1]):
        raise BadRequest("A push command reads: old object id, new object id, ref (SHA-1 only).")
    return words[0], words[1], words[2]


def parse_push_commands(data: bytes) -> PushRequest:
    """The commands at the head of a push; what follows their flush is not looked at.

    Raises `BadRequest` when they are malformed or incomplete.
    """
    request = PushParser().feed(data)
    if request is None:
        raise BadRequest("The push commands are incomplete.")
    return request


def encode_push_request(commands: Sequence[Command], capabilities: Iterable[str]) -> bytes:
    """Push commands with their flush; the caller sends the pack right behind (none for deletes)."""
    lines = []
    for index, (old, new, ref) in enumerate(commands):
        line = f"{old} {new} {ref}".encode(errors="surrogateescape")
        if index == 0:
            line += b"\0 " + " ".join(capabilities).encode()
        lines.append(encode(line))
    return b"".join(lines) + FLUSH


@dataclass(slots=True)
class ReportReader:
    """The report of a push out of the answer's stream, with or without side-band."""

    _outer: Decoder = field(default_factory=Decoder)
    _inner: Decoder = field(default_factory=Decoder)
    _messages: bytearray = field(default_factory=bytearray)
    _lines: list[bytes] = field(default_factory=list)

    def feed(self, chunk: bytes) -> None:
        """Take in more of the answer. Raises `BadRequest` when it is no pkt-lines."""
        self._outer.feed(chunk)
        for packet in self._outer.drain():
            if isinstance(packet, bytes) and packet:
                self._take(packet)

    def _take(self, packet: bytes) -> None:
        band = packet[0]
        if band == 1:
            self._inner.feed(packet[1:])
            self._lines += [p for p in self._inner.drain() if isinstance(p, bytes)]
        elif band in (2, 3):
            self._messages += packet[1 : 1 + MAX_MESSAGES - len(self._messages)]
        else:
            self._lines.append(packet)

    def report(self) -> Report | None:
        """The report, or None when the answer had none (the client did not ask, or git died)."""
        unpack: str | None = None
        refs: dict[str, str | None] = {}
        for line in self._lines:
            verb, _, rest = line.rstrip(b"\n").decode(errors="surrogateescape").partition(" ")
            if verb == "unpack":
                unpack = rest
            elif verb == "ok":
                refs[rest] = None
            elif verb == "ng":
                ref, _, reason = rest.partition(" ")
                refs[ref] = reason or "refused"
        if unpack is None:
            return None
        return Report(unpack, refs, self._messages.decode(errors="replace"))


def parse_report(data: bytes) -> Report:
    """The report in a whole answer of receive-pack. Raises `BadRequest` when there is none."""
    reader = ReportReader()
    reader.feed(data)
    report = reader.report()
    if report is None:
        raise BadRequest("The answer to the push carries no report.")
    return report


def refusal(commands: Sequence[Command], capabilities: Iterable[str], sentence: str) -> bytes:
    """A receive-pack answer (of a 200) that refuses every ref, and says why on side-band 2."""
    asked = frozenset(capabilities)
    reason = " ".join(sentence.split())[:1_000]
    lines = [b"unpack ok\n"]
    lines += [f"ng {ref} {reason}\n".encode(errors="surrogateescape") for _, _, ref in commands]
    report = b"".join(encode(line) for line in lines) + FLUSH
    if not asked & REPORTS:
        report = b""
    if "side-band-64k" not in asked:
        return report
    size = MAX_PAYLOAD - 1
    pieces = [encode(b"\x02" + f"{reason}\n".encode(errors="replace"))]
    pieces += [encode(b"\x01" + report[i : i + size]) for i in range(0, len(report), size)]
    return b"".join(pieces) + FLUSH
