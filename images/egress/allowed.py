"""Tells squid whether a client may go somewhere: its external ACL helper.

    allowed.py LIST

LIST is a JSON file that `egress.py` replaces as a whole: for each client's address, and for ``*``, which is
everybody, the places that may be reached, as ``host:port``. A host that begins with a dot is a domain with all its subdomains; the port may
be ``*``. Squid asks a line ``<channel> <client> <host> <port>`` and reads ``<channel> OK`` or ``ERR``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


class Lists:
    """The lists in the file, read again when it was replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._lists: dict[str, list[str]] = {}

    def of(self, client: str) -> list[str]:
        """What this client may reach, as everybody may; nothing when there is no list."""
        try:
            now = self._path.stat()
            if (now.st_ino, now.st_mtime_ns) != self._seen:
                self._lists = json.loads(self._path.read_text("utf-8"))
                self._seen = (now.st_ino, now.st_mtime_ns)
        except (OSError, ValueError):
            return []
        return [*self._lists.get("*", []), *self._lists.get(client, [])]


def is_allowed(places: list[str], host: str, port: str) -> bool:
    """Whether one of the places is this host and port."""
    wanted = host.strip("[]").rstrip(".").lower()
    for place in places:
        name, _, its_port = place.rpartition(":")
        name = name.strip("[]").lower()
        if its_port not in ("*", port):
            continue
        if wanted == name.removeprefix(".") or (name.startswith(".") and wanted.endswith(name)):
            return True
    return False


def main(path: Path) -> None:
    """Answer until squid closes the pipe."""
    lists = Lists(path)
    for line in sys.stdin:
        words = line.split()
        if len(words) < 4:
            answer = "ERR"
        else:
            answer = "OK" if is_allowed(lists.of(words[1]), words[2], words[3]) else "ERR"
        sys.stdout.write(f"{words[0] if words else 0} {answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
