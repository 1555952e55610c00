"""Cuts a stream of bytes into lines without ever holding more than one bounded line."""

from __future__ import annotations

import codecs
from typing import Final

LINE_MAX: Final = 4 * 1024 * 1024
"""Characters in one line; what is longer is cut and the rest of that line dropped, and it says so."""
CUT: Final = " … (the rest of this line was dropped)"


class LineSplitter:
    """Feed it chunks, get whole lines without their ends. Bytes that are no UTF-8 are replaced."""

    def __init__(self, limit: int = LINE_MAX) -> None:
        self._limit = limit
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._parts: list[str] = []
        self._size = 0
        self._dropping = False

    def feed(self, chunk: bytes) -> list[str]:
        """The lines that this chunk completes."""
        *whole, rest = self._decoder.decode(chunk).split("\n")
        lines = []
        for piece in whole:
            self._add(piece)
            lines.append(self._take())
        self._add(rest)
        return lines

    def end(self) -> list[str]:
        """The last line, when the stream did not end in a newline."""
        self._add(self._decoder.decode(b"", final=True))
        return [self._take()] if self._parts else []

    def _add(self, piece: str) -> None:
        if not piece or self._dropping:
            return
        room = self._limit - self._size
        if len(piece) > room:
            piece, self._dropping = piece[:room] + CUT, True
        self._parts.append(piece)
        self._size += len(piece)

    def _take(self) -> str:
        line = "".join(self._parts)
        self._parts, self._size, self._dropping = [], 0, False
        return line.removesuffix("\r")
