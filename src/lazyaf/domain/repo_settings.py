"""What a repository can be told: by a person in the UI, and by ``.lazyaf/config.toml``.

The file counts only as it stands at the tip of the default branch, so that no agent rewrites its own
rules; where both say something, the file wins. ``trusted`` and where pull requests are opened are a
person's alone to say, and a branch that a person protects stays so: there the file can only add.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Final

from lazyaf.domain.checks import CHECKS_MAX, NAME_MAX, TIMEOUT_S, Check
from lazyaf.domain.containers import is_image
from lazyaf.domain.errors import Invalid
from lazyaf.domain.forges import ForgeKind, is_api_url
from lazyaf.domain.merge_message import TEMPLATE_MAX, complaint
from lazyaf.domain.sandboxes import HOSTS_MAX, is_never_reached, parse_host

CONFIG_PATH: Final = ".lazyaf/config.toml"
PROMPT_PATH: Final = ".lazyaf/prompt.md"
AGENT_MAX: Final = 40
"""Characters in the name of an agent."""
PATTERNS_MAX: Final = 50
"""Patterns of protected branches that a repository can have."""

SYNC_MIN_S: Final = 60
"""A remote is not fetched from more often than that."""

ROUNDS_MAX: Final = 10
"""Rounds in which checks that failed can go back to the agent by themselves."""

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h)")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600}
_PATTERN = re.compile(r"(?!refs/)[^\s~^:\\\x00-\x20\x7f/-][^\s~^:\\\x00-\x20\x7f]{0,254}")
_PREFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)*")


class MergeMethod(StrEnum):
    """What approving makes of a card's commits on its base branch."""

    MERGE = "merge"
    SQUASH = "squash"
    REBASE = "rebase"


class BranchWatch(StrEnum):
    """What the server does by itself about the checks of the default branch; each does what those before it
    do, too."""

    OFF = "off"
    CHECK = "check"
    """Run them where no passed run is known of."""
    OPEN_CARD = "open_card"
    """When they fail, open a card."""
    START_CARD = "start_card"
    """Have its agent start at once."""


@dataclass(frozen=True, slots=True)
class RepoSettings:
    """Effective settings; times in seconds, ``wip_limit`` None means no limit.

    ``protected_branches`` are shell patterns of branches besides the default one, which always is;
    ``only_approve`` refuses people's pushes to them as well. ``allowed_hosts`` are what jobs in containers
    may reach besides the model, and ``image`` is what those containers are of, if not of the pool's own.
    Where there are ``checks`` nothing is merged that has not passed them; ``fix_rounds`` is how often those
    that fail go back to the agent by themselves, and ``default_checks`` whether the default branch itself is
    checked. ``merge_message`` is a template (`lazyaf.domain.merge_message`), and with
    ``delete_branch`` the branch of an approved card is taken away. The server fetches from the remote each
    ``sync_every_s``, if at all.
    ``forge`` and ``forge_api_url`` say which forge the remote is on where its host's name does not; with
    ``forge_shares_login`` git's password for the remote and the forge's token serve for each other.
    """

    agent: str = "claude"
    branch_prefix: str = "lazyaf"
    wip_limit: int | None = None
    setup_command: str | None = None
    job_limit_s: float = 3600
    idle_limit_s: float = 600
    setup_limit_s: float = 600
    trusted: bool = False
    merge_method: str = MergeMethod.MERGE.value
    merge_message: str | None = None
    delete_branch: bool = False
    protected_branches: tuple[str, ...] = ()
    only_approve: bool = False
    allowed_hosts: tuple[str, ...] = ()
    image: str | None = None
    checks: tuple[Check, ...] = ()
    fix_rounds: int = 0
    default_checks: str = BranchWatch.OFF.value
    sync_every_s: float | None = None
    forge: str | None = None
    forge_api_url: str | None = None
    forge_shares_login: bool = False

    def protected(self, default_branch: str) -> tuple[str, ...]:
        """The patterns of every protected branch, the default one first."""
        return (default_branch, *self.protected_branches)


NAMES: Final = tuple(field.name for field in fields(RepoSettings))

# Where each setting stands in the file.
_IN_FILE: Final[dict[str, tuple[str, ...]]] = {
    "agent": ("agent",),
    "branch_prefix": ("branch_prefix",),
    "wip_limit": ("limits", "wip"),
    "job_limit_s": ("limits", "job"),
    "idle_limit_s": ("limits", "idle"),
    "setup_limit_s": ("limits", "setup"),
    "setup_command": ("setup", "run"),
    "merge_method": ("merge", "method"),
    "merge_message": ("merge", "message"),
    "delete_branch": ("merge", "delete_branch"),
    "protected_branches": ("branches", "protected"),
    "only_approve": ("branches", "only_approve"),
    "default_checks": ("branches", "default_checks"),
    "allowed_hosts": ("sandbox", "allow"),
    "image": ("sandbox", "image"),
    "checks": ("checks",),
    "fix_rounds": ("limits", "fix_rounds"),
    "sync_every_s": ("remote", "sync"),
}


def effective(
    person: Mapping[str, Any], file: Mapping[str, Any], *, agent: str = "claude"
) -> RepoSettings:
    """Merge the defaults, what a person set and what the file says, later ones winning.

    Protection adds up instead: neither takes away what the other protects.
    """
    merged: dict[str, Any] = {"agent": agent}
    merged |= {k: v for k, v in person.items() if k in NAMES and v is not None}
    merged |= {k: v for k, v in file.items() if k in _IN_FILE and v is not None}
    both = [*person.get("protected_branches", ()), *file.get("protected_branches", ())]
    merged["protected_branches"] = tuple(dict.fromkeys(both))
    merged["allowed_hosts"] = tuple(merged.get("allowed_hosts", ()))
    merged["checks"] = tuple(merged.get("checks", ()))
    merged["only_approve"] = bool(person.get("only_approve") or file.get("only_approve"))
    return RepoSettings(**merged)


def is_protected(branch: str, patterns: Iterable[str]) -> bool:
    """Whether one of these shell patterns is about this branch; ``*`` crosses slashes."""
    return any(fnmatchcase(branch, pattern) for pattern in patterns)


def parse_config(text: str) -> dict[str, Any]:
    """The settings of a ``config.toml``; `Invalid` says which line or key is wrong."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also a number or a nesting beyond all measure
        raise Invalid(f"{CONFIG_PATH} is not valid TOML: {error}.") from None
    found: dict[str, Any] = {}
    for name, path in _IN_FILE.items():
        value: Any = document
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None:
            found[name] = check(name, value, where=f"{CONFIG_PATH}: {'.'.join(path)}")
    return found


def check(name: str, value: Any, *, where: str) -> Any:
    """A setting's value in its stored form, or `Invalid` that names ``where``."""
    checker = _CHECKS[name]
    try:
        checked = checker(value)
    except ValueError as wrong:
        raise Invalid.field(name, f"{where} {wrong}.") from None
    if checked is None:
        raise Invalid.field(name, f"{where} {_EXPECTED[name]}, not {value!r:.200}.")
    return checked


def parse_duration(value: Any) -> float | None:
    """Seconds of ``90``, ``"90s"``, ``"60m"`` or ``"1.5h"``; None when it is none of these."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if 1 <= value <= 7 * 86400 else None
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    return parse_duration(float(match[1]) * _UNITS[match[2]]) if match else None


def _period(value: Any) -> float | None:
    seconds = parse_duration(value)
    return seconds if seconds is not None and seconds >= SYNC_MIN_S else None


def _text(value: Any) -> str | None:
    usable = isinstance(value, str) and 0 < len(value) <= 10_000 and "\0" not in value
    return value if usable else None


def _agent(value: Any) -> str | None:
    text = _text(value)
    return text if text is not None and len(text) <= AGENT_MAX and text.isprintable() else None


def _prefix(value: Any) -> str | None:
    valid = isinstance(value, str) and len(value) <= 100 and _PREFIX.fullmatch(value)
    parts = value.split("/") if valid else []
    usable = valid and not any(part.endswith(".lock") or ".." in part for part in parts)
    return value if usable else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 1 else None


def _method(value: Any) -> str | None:
    return value if isinstance(value, str) and value in set(MergeMethod) else None


def _default_checks(value: Any) -> str | None:
    return value if isinstance(value, str) and value in set(BranchWatch) else None


def _message(value: Any) -> str | None:
    """Raises `ValueError` with what is wrong in the template itself."""
    text = _text(value)
    if text is None or len(text) > TEMPLATE_MAX:
        return None
    if wrong := complaint(text):
        raise ValueError(wrong)
    return text


def _patterns(value: Any) -> list[str] | None:
    if not isinstance(value, list) or len(value) > PATTERNS_MAX:
        return None
    return value if all(isinstance(v, str) and _PATTERN.fullmatch(v) for v in value) else None


def _hosts(value: Any) -> list[str] | None:
    """Raises `ValueError` that names a host which is refused whatever is allowed."""
    if not isinstance(value, list) or len(value) > HOSTS_MAX:
        return None
    parsed = [parse_host(v) if isinstance(v, str) else None for v in value]
    hosts = [host for host in parsed if host is not None]
    if never := next(filter(is_never_reached, hosts), None):
        raise ValueError(f"cannot have {never}: no container ever reaches that address")
    return None if None in parsed else hosts


def _image(value: Any) -> str | None:
    return value if isinstance(value, str) and is_image(value) else None


def _repo_checks(value: Any) -> list[Check] | None:
    if not isinstance(value, list) or len(value) > CHECKS_MAX:
        return None
    found = [_one_check(each) if isinstance(each, dict) else None for each in value]
    usable = [each for each in found if each is not None]
    names = {each["name"] for each in usable}
    return usable if len(names) == len(value) else None


def _one_check(value: dict[str, Any]) -> Check | None:
    """The file says ``timeout = "10m"``, the API seconds."""
    if not {"name", "run"} <= value.keys() <= {"name", "run", "timeout", "timeout_s"}:
        return None
    name, run = _text(value["name"]), _text(value["run"])
    timeout = parse_duration(value.get("timeout", value.get("timeout_s", TIMEOUT_S)))
    if name is None or run is None or timeout is None:
        return None
    is_name = len(name) <= NAME_MAX and name.isprintable() and name.strip() == name
    return Check(name=name, run=run, timeout_s=timeout) if is_name else None


def _rounds(value: Any) -> int | None:
    usable = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= ROUNDS_MAX
    return value if usable else None


def _forge(value: Any) -> str | None:
    return value if isinstance(value, str) and value in set(ForgeKind) else None


def _api_url(value: Any) -> str | None:
    usable = isinstance(value, str) and is_api_url(value)
    return value.rstrip("/") if usable else None


def _truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


_CHECKS: Final[dict[str, Any]] = {
    "agent": _agent,
    "branch_prefix": _prefix,
    "wip_limit": _count,
    "setup_command": _text,
    "job_limit_s": parse_duration,
    "idle_limit_s": parse_duration,
    "setup_limit_s": parse_duration,
    "trusted": _truth,
    "merge_method": _method,
    "merge_message": _message,
    "delete_branch": _truth,
    "protected_branches": _patterns,
    "only_approve": _truth,
    "allowed_hosts": _hosts,
    "image": _image,
    "checks": _repo_checks,
    "fix_rounds": _rounds,
    "default_checks": _default_checks,
    "sync_every_s": _period,
    "forge": _forge,
    "forge_api_url": _api_url,
    "forge_shares_login": _truth,
}
_EXPECTED: Final[dict[str, str]] = {
    "agent": "must be the name of an agent",
    "branch_prefix": "must be a name that can begin a branch, like “lazyaf”",
    "wip_limit": "must be a whole number of at least 1",
    "setup_command": "must be a shell command",
    "job_limit_s": "must be a time like “60m”",
    "idle_limit_s": "must be a time like “10m”",
    "setup_limit_s": "must be a time like “10m”",
    "trusted": "must be true or false",
    "merge_method": "must be “merge”, “squash” or “rebase”",
    "merge_message": f"must be a text of at most {TEMPLATE_MAX} characters",
    "delete_branch": "must be true or false",
    "protected_branches": "must be a list of branch names or patterns like “release/*”",
    "only_approve": "must be true or false",
    "checks": f"must be a list of at most {CHECKS_MAX} checks, each with a `name` of its own, a command to `run` "
    "and, if it may not take ten minutes, a `timeout`",
    "sync_every_s": "must be a time of at least a minute and at most a week, like “15m”",
    "fix_rounds": f"must be a whole number from 0 to {ROUNDS_MAX}",
    "default_checks": "must be “off”, “check”, “open_card” or “start_card”",
    "forge": "must be “github”, “gitlab” or “gitea”",
    "forge_api_url": "must be a URL like “https://git.example.com/api/v1”, without a password",
    "forge_shares_login": "must be true or false",
    "image": "must be the name of an image like “registry.example.com/team/app:1”",
    "allowed_hosts": "must be a list of hosts like “registry.example.com:443” or “.example.com:*”",
}
