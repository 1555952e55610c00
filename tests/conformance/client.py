"""The two ends of a test: a repository on the server, and real git (or bare bytes) in front of it."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from lazyaf.git import command
from lazyaf.git.pktline import Report, encode_push_request, parse_report
from support.server import ServerProcess

UPLOAD: Final = "git-upload-pack"
RECEIVE: Final = "git-receive-pack"
CAPABILITIES: Final = ("report-status", "side-band-64k", "atomic", "object-format=sha1")
PATIENCE: Final = 30.0
"""Seconds after which a server that says nothing hangs."""


@dataclass(frozen=True)
class Repository:
    """A repository of the server: where it is for git, for bare requests and on the disk."""

    server: ServerProcess
    id: str
    name: str

    @property
    def plain_url(self) -> str:
        """Its address without a credential."""
        return f"{self.server.url}/git/{self.id}.git"

    @property
    def url(self) -> str:
        """Its address with the person's."""
        return self.plain_url.replace("://", f"://lazyaf:{self.server.token}@", 1)

    @property
    def disk(self) -> Path:
        """The bare repository itself, to look at what a client cannot see."""
        return self.server.data_dir / "git" / f"{self.id}.git"

    def git(self, *args: str) -> str:
        """git on the repository itself."""
        return command.run_sync([f"--git-dir={self.disk}", *args]).text

    def refs(self) -> dict[str, str]:
        """Every ref there, and where it stands."""
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(line.rsplit(" ", 1) for line in lines)

    def post(self, service: str, body: bytes | Iterator[bytes], **headers: str) -> httpx2.Response:
        """One request of git's, by hand; ``_`` in the names of headers is ``-``."""
        wanted = {"Content-Type": f"application/x-{service}-request"}
        wanted |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.server.client.post(
            f"/git/{self.id}.git/{service}", content=body, headers=wanted, timeout=PATIENCE
        )

    def push_by_hand(self, commands: Sequence[tuple[str, str, str]], pack: bytes = b"") -> Report:
        """A push in bytes, and its report."""
        answer = self.post(RECEIVE, encode_push_request(commands, CAPABILITIES) + pack)
        assert answer.status_code == 200, answer.text
        return parse_report(answer.content)


@dataclass(frozen=True)
class Clone:
    """git in one directory."""

    folder: Path

    def __call__(
        self, *args: str, ok: Sequence[int] = (0,), stdin: bytes | None = None, **env: str
    ) -> command.Completed:
        """Run git here; it must end with one of ``ok``."""
        return command.run_sync(
            args, cwd=self.folder, ok=ok, stdin=stdin, env=command.child_env(env)
        )

    def refused(self, *args: str, code: int = 1, **env: str) -> str:
        """Run git here, which must fail; what it told its user, on one line."""
        return re.sub(r"\s+", " ", self(*args, ok=(code,), **env).stderr)

    def commit(self, files: Mapping[str, str | bytes], message: str = "change") -> str:
        """Write files and commit them; the commit."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        self("add", "-A")
        self("commit", "-q", "--allow-empty", "-m", message)
        return self.tip()

    def tip(self, name: str = "HEAD") -> str:
        """Where a name stands here."""
        return self("rev-parse", name).text

    def pack(self, *revisions: str) -> bytes:
        """A pack of what these revisions hold."""
        wanted = "".join(f"{revision}\n" for revision in revisions).encode()
        return self("pack-objects", "--revs", "--stdout", "-q", stdin=wanted).stdout

    def write(self, kind: str, content: bytes) -> str:
        """An object that git itself would not write; its id."""
        done = self("hash-object", "-t", kind, "-w", "--stdin", "--literally", stdin=content)
        return done.text

    def clone(self, url: str, *options: str, into: str, **env: str) -> Clone:
        """A clone beside this one."""
        target = self.folder.parent / into
        self("clone", "-q", *options, url, str(target), **env)
        return Clone(target)


def new_clone(folder: Path, url: str | None = None, branch: str = "main") -> Clone:
    """An empty repository of a person's, whose origin is this."""
    folder.mkdir(parents=True)
    clone = Clone(folder)
    clone("init", "-q", "-b", branch)
    if url is not None:
        clone("remote", "add", "origin", url)
    return clone


def converse(server: ServerProcess, *pieces: bytes) -> Iterator[bytes]:
    """Send the pieces over a connection of one's own; what came back after each, then the rest."""
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
        for piece in pieces:
            connection.sendall(piece)
            yield connection.recv(65_536)
        rest = b""
        while chunk := connection.recv(65_536):
            rest += chunk
        yield rest
