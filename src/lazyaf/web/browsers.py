"""A browser's name from its User-Agent, so that a person knows it again in a list. A guess, no more."""

from __future__ import annotations

from typing import Final

# The first that is found counts: most browsers name others as well.
_PROGRAMS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def browser_name(user_agent: str) -> str:
    """Like “Firefox on Linux”; “Browser” when nothing of it is known."""
    program = _first(_PROGRAMS, user_agent) or "Browser"
    system = _first(_SYSTEMS, user_agent)
    return program if system is None else f"{program} on {system}"


def _first(known: tuple[tuple[str, str], ...], user_agent: str) -> str | None:
    return next((name for mark, name in known if mark in user_agent), None)
