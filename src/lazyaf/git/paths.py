"""Names of files as text. To git they are bytes; what is no UTF-8 is quoted as git quotes it."""

from __future__ import annotations


def shown(raw: bytes) -> str:
    """The name, or, when it is no UTF-8, the name in quotes with octal escapes, as `git status` has
    it. Two names never look the same, but for one that somebody wrote with these very quotes."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return f'"{"".join(map(_quoted, raw))}"'


def _quoted(byte: int) -> str:
    if byte in b'"\\':
        return "\\" + chr(byte)
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"
