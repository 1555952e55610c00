"""Which server a command speaks to, and with which token."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click

from lazyaf.cli.failures import Unauthorised
from lazyaf.cli.logins import find_login

DEFAULT_SERVER: Final = "http://127.0.0.1:8765"


def data_dir() -> Path:
    """The data directory of this machine's server: ``LAZYAF_DATA_DIR`` or the default one."""
    named = os.environ.get("LAZYAF_DATA_DIR")
    if named:
        return Path(named).expanduser().absolute()
    from lazyaf.data_dir import default_data_dir

    return default_data_dir()


def default_server() -> str:
    """This machine's server: at ``LAZYAF_PORT``, where `lazyaf serve` listens then, or at the usual port."""
    port = os.environ.get("LAZYAF_PORT", "").strip()
    return DEFAULT_SERVER if port in ("", "0") else f"http://127.0.0.1:{port}"


def is_loopback(server: str) -> bool:
    """Whether this URL is on this very machine."""
    host = urlsplit(server).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def find_token(server: str) -> str | None:
    """``LAZYAF_TOKEN``, else that of `lazyaf login` at this server, else this machine's token, which is
    never sent to another machine."""
    given = os.environ.get("LAZYAF_TOKEN", "").strip()
    if given:
        if not (given.isascii() and given.isprintable()):
            raise Unauthorised("LAZYAF_TOKEN holds characters that no token has.")
        return given
    login = find_login(server)
    if login is not None:
        return login.token
    if not is_loopback(server):
        return None
    try:
        return (data_dir() / "token").read_text("utf-8").strip() or None
    except OSError:
        return None


def parse_server(value: str) -> str:
    """A server's URL without its last slash; ``host:port`` is taken for HTTP."""
    url = value.strip() if "://" in value else f"http://{value.strip()}"
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        is_usable = is_usable and parts.port != 0 and parts.username is None
    except ValueError:
        is_usable = False
    if not is_usable:
        raise click.BadParameter(f"“{value}” is no URL like {DEFAULT_SERVER}.")
    return url.rstrip("/")
