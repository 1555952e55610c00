"""The logins of this machine's user: one token per server, in a file that only the user can read.

`lazyaf login` writes it, `lazyaf logout` takes one away, and every client command finds its token here.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lazyaf.cli.failures import Failure


@dataclass(frozen=True, slots=True)
class Login:
    """A token and its id, by which it is revoked."""

    id: str
    token: str


def logins_path() -> Path:
    """Where they are kept: the user's configuration directory."""
    from platformdirs import user_config_path

    return user_config_path("lazyaf") / "logins.json"


def find_login(server: str) -> Login | None:
    """The login at this server, if there is one."""
    return _read().get(_origin(server))


def keep_login(server: str, login: Login) -> None:
    """Remember a login, in place of an older one."""
    _write({**_read(), _origin(server): login})


def forget_login(server: str) -> None:
    """Remember it no more."""
    _write({origin: login for origin, login in _read().items() if origin != _origin(server)})


def _origin(server: str) -> str:
    """One name for one server: scheme, host and port, as they are compared."""
    parts = urlsplit(server)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}{parts.path}"


def _read() -> dict[str, Login]:
    path = logins_path()
    try:
        kept = json.loads(path.read_text("utf-8"))
        return {
            origin: Login(str(login["id"]), str(login["token"])) for origin, login in kept.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Failure(
            f"{path} cannot be read: {error}. Put it right, or remove it and run `lazyaf login` again."
        ) from None


def _write(logins: dict[str, Login]) -> None:
    from lazyaf.system import write_private

    kept = {origin: asdict(login) for origin, login in logins.items()}
    try:
        write_private(logins_path(), json.dumps(kept, indent=2) + "\n")
    except OSError as error:
        raise Failure(f"{logins_path()} cannot be written: {error}.") from None
