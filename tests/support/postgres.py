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

    def __init__(self, folder: Path, settings: Sequence[str]) -> None:
        self.folder = folder
        self._settings = settings
        self._tools = binaries()
        self._child: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder}

    def make(self) -> None:
        """`initdb`."""
        if os.geteuid() == 0:
            user = _unprivileged()
            self._child |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        subprocess.run(
            [self._tools / "initdb", "-D", self.folder / "data", "-U", "lazyaf", "-A", "trust",
             "-E", "UTF8", "--locale=C", "--no-sync"],
            **self._child,
        )  # fmt: skip

    def start(self) -> None:
        """Start it, again perhaps."""
        options = " ".join(f"-c {setting}" for setting in ("listen_addresses=", *self._settings))
        self._control(
            "-w", "-l", str(self.folder / "log"), "start",
            "-o", f"{options} -c unix_socket_directories={self.folder}",
        )  # fmt: skip

    def stop(self) -> None:
        """Kill it: every connection breaks, and what was under way is lost."""
        self._control("-w", "-m", "immediate", "stop")

    def _control(self, *args: str) -> None:
        command = [self._tools / "pg_ctl", "-D", self.folder / "data", *args]
        subprocess.run(command, **self._child)

    def url(self, database: str) -> URL:
        return URL.create(
            "postgresql+psycopg",
            username="lazyaf",
            database=database,
            query={"host": str(self.folder)},
        )

    def create(self, database: str, *, template: str = "template1") -> URL:
        """A new database, a copy of the template."""
        self._execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        return self.url(database)

    def drop(self, database: str) -> None:
        """Remove a database that nobody uses any more."""
        self._execute(f'DROP DATABASE "{database}"')

    def _execute(self, statement: str) -> None:
        with psycopg.connect(
            host=str(self.folder), user="lazyaf", dbname="postgres", autocommit=True
        ) as conn:
            conn.execute(statement)


def binaries() -> Path:
    """Where ``initdb`` and ``pg_ctl`` are; skips the test without them, but fails in CI."""
    newest = max(Path("/usr/lib/postgresql").glob("*/bin/initdb"), default=shutil.which("initdb"))
    if newest is None:
        untestable("PostgreSQL (initdb) is not installed: only SQLite can be tested")
    return Path(newest).resolve().parent


@contextmanager
def cluster(settings: Sequence[str] = FORGETFUL) -> Iterator[Cluster]:
    """Make a cluster, start it, and remove it afterwards. PostgreSQL does not run as root."""
    folder = Path(tempfile.mkdtemp(prefix="laf-pg-"))
    there = Cluster(folder, settings)
    try:
        there.make()
        there.start()
        try:
            yield there
        finally:
            there.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> pwd.struct_passwd:
    users = {user.pw_name: user for user in pwd.getpwall()}
    user = users.get("postgres") or users.get("nobody")
    if user is None:
        untestable("PostgreSQL does not run as root, and there is no other user")
    return user
