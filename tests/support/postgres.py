"""A throwaway PostgreSQL cluster on a Unix socket, for tests and benchmarks that run on both databases.

Needs the server's binaries (Debian keeps them under ``/usr/lib/postgresql``). Where they are missing
the tests say so and skip, but never in CI.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL

from .tools import untestable

FORGETFUL = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
"""Settings of a cluster that need not survive a power cut."""


class Cluster:
    """A running server. Its superuser is ``lazyaf``, who needs no password on the socket."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def url(self, database: str) -> URL:
        return URL.create(
            "postgresql+psycopg",
            username="lazyaf",
            database=database,
            query={"host": str(self.folder)},
        )

    def create(self, database: str, *, template: str = "template1") -> URL:
        """A new database, a copy of the template."""
        with psycopg.connect(
            host=str(self.folder), user="lazyaf", dbname="postgres", autocommit=True
        ) as conn:
            conn.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        return self.url(database)


def binaries() -> Path:
    """Where ``initdb`` and ``pg_ctl`` are; skips the test without them, but fails in CI."""
    newest = max(Path("/usr/lib/postgresql").glob("*/bin/initdb"), default=shutil.which("initdb"))
    if newest is None:
        untestable("PostgreSQL (initdb) is not installed: only SQLite can be tested")
    return Path(newest).resolve().parent


@contextmanager
def cluster(settings: Sequence[str] = FORGETFUL) -> Iterator[Cluster]:
    """Make a cluster, start it, and remove it afterwards. PostgreSQL does not run as root."""
    tools = binaries()
    folder = Path(tempfile.mkdtemp(prefix="laf-pg-"))
    child: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder}
    if os.geteuid() == 0:
        user = _unprivileged()
        child |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        os.chown(folder, user.pw_uid, user.pw_gid)
    data, control = folder / "data", str(tools / "pg_ctl")
    try:
        subprocess.run(
            [tools / "initdb", "-D", data, "-U", "lazyaf", "-A", "trust", "-E", "UTF8",
             "--locale=C", "--no-sync"],
            **child,
        )  # fmt: skip
        options = " ".join(f"-c {setting}" for setting in ("listen_addresses=", *settings))
        subprocess.run(
            [control, "-D", data, "-w", "-l", folder / "log", "start",
             "-o", f"{options} -c unix_socket_directories={folder}"],
            **child,
        )  # fmt: skip
        try:
            yield Cluster(folder)
        finally:
            subprocess.run([control, "-D", data, "-w", "-m", "immediate", "stop"], **child)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> pwd.struct_passwd:
    users = {user.pw_name: user for user in pwd.getpwall()}
    user = users.get("postgres") or users.get("nobody")
    if user is None:
        untestable("PostgreSQL does not run as root, and there is no other user")
    return user
