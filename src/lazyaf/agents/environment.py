"""The environment of an agent's process, built from nothing.

Drivers call this from `launch`, and the runner for the setup command. Whatever is not named here or
by ``LAZYAF_AGENT_ENV`` stays outside: the runner's own environment holds tokens, and everything an
agent can read it can send somewhere. This module never looks at ``os.environ``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

BASICS: Final = ("PATH", "TZ", "TERM", "LANG", "LANGUAGE")
"""Taken as they are, beside every ``LC_*``."""

PROXIES: Final = tuple(
    name
    for lower in ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
    for name in (lower, lower.upper())
)
"""How to get out of a closed network; programs disagree on the case."""

CERTIFICATES: Final = (
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
)
"""Where a company's own certificate authority is kept."""

CHOSEN: Final = "LAZYAF_AGENT_ENV"
"""Names, comma or space separated, that the person who runs LazyAF passes on."""

OWN_PREFIX: Final = "LAZYAF_"
"""Never passed on, whoever asks: the tokens of LazyAF are called this."""

DEFAULTS: Final[Mapping[str, str]] = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
}

VALUE_MAX: Final = 100_000
"""Bytes in one value. Linux refuses to start a program with a string of 128 KiB or more, and a
card's description may hold 64 Ki characters of four bytes."""

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
_SECRET_MIN: Final = 8


def chosen_names(host_env: Mapping[str, str]) -> tuple[str, ...]:
    """The names that ``LAZYAF_AGENT_ENV`` asks for, without LazyAF's own."""
    names = re.split(r"[\s,]+", host_env.get(CHOSEN, ""))
    return tuple(n for n in names if n and not n.startswith(OWN_PREFIX))


def chosen_env(host_env: Mapping[str, str]) -> dict[str, str]:
    """What ``LAZYAF_AGENT_ENV`` names, and itself, for a runner that is not on this machine. What any
    program has, it has there: a ``PATH`` from here is of no use."""
    own = {*BASICS, *PROXIES, *CERTIFICATES}
    names = [name for name in chosen_names(host_env) if host_env.get(name) and name not in own]
    return {name: host_env[name] for name in names} | ({CHOSEN: ",".join(names)} if names else {})


def laid_over(host_env: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """A machine's variables with those that came with a job; what either chooses is chosen."""
    names = (*chosen_names(host_env), *chosen_names(given))
    return {**host_env, **given} | ({CHOSEN: ",".join(names)} if names else {})


def agent_env(
    host_env: Mapping[str, str],
    *,
    extra_names: Iterable[str] = (),
    card_env: Mapping[str, str] | None = None,
    home: Path | None = None,
) -> dict[str, str]:
    """The whole environment for a child.

    ``extra_names`` are variables that one agent needs besides (its key); ``card_env`` is laid over
    them (``CARD_TITLE``, ``BRANCH_NAME`` …); ``home`` becomes ``HOME``. The host's own ``HOME`` is
    never used.
    """
    names = {*BASICS, *PROXIES, *CERTIFICATES, *extra_names, *chosen_names(host_env)}
    names |= {name for name in host_env if name.startswith("LC_")}
    env = dict(DEFAULTS)
    env.update({name: host_env[name] for name in sorted(names) if host_env.get(name)})
    env.update(card_env or {})
    env.pop("HOME", None)
    if home is not None:
        env["HOME"] = str(home)
    return {
        name: fit_value(value) for name, value in env.items() if not name.startswith(OWN_PREFIX)
    }


def fit_value(value: str) -> str:
    """A value that ``execve`` takes: no NUL, no lone surrogates, at most `VALUE_MAX` bytes."""
    raw = value.replace("\0", "").encode("utf-8", "replace")
    return raw[:VALUE_MAX].decode("utf-8", "ignore")


def secrets_in(
    env: Mapping[str, str], host_env: Mapping[str, str], *, names: Iterable[str] = ()
) -> tuple[str, ...]:
    """The values in ``env`` that must never be shown: those of ``names``, and what a person chose to
    pass on under a name that sounds secret. Short values are left out, since hiding ``1`` would
    hide every 1."""
    chosen = [name for name in chosen_names(host_env) if _SECRET_NAME.search(name)]
    values = {env[name] for name in (*names, *chosen) if name in env}
    return tuple(sorted(value for value in values if len(value) >= _SECRET_MIN))


def certificate_paths(env: Mapping[str, str]) -> tuple[Path, ...]:
    """Files and directories of certificates that the sandbox must show, when they exist."""
    paths = {Path(env[name]) for name in CERTIFICATES if env.get(name)}
    return tuple(sorted(path for path in paths if path.is_absolute() and path.exists()))
