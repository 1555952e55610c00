"""git's own ``http-backend`` for handlers of the standard library's server: one request in, its answer out."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

_PASSED: Final = {
    "Content-Type": "CONTENT_TYPE",
    "Content-Encoding": "HTTP_CONTENT_ENCODING",
    "Git-Protocol": "GIT_PROTOCOL",
}


@dataclass(frozen=True)
class GitAnswer:
    """What git says to a request."""

    status: int
    headers: dict[str, str]
    body: bytes


def request_body(handler: BaseHTTPRequestHandler) -> bytes:
    """The whole body of the request, chunked or not."""
    if handler.headers.get("Transfer-Encoding") != "chunked":
        return handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    body = b""
    while size := int(handler.rfile.readline(), 16):
        body += handler.rfile.read(size)
        handler.rfile.readline()
    handler.rfile.readline()
    return body


def ask_git(handler: BaseHTTPRequestHandler, root: Path, body: bytes) -> GitAnswer:
    """Let git answer for the repositories below ``root``; who asks may push where a repository takes it."""
    parts = urlsplit(handler.path)
    headers = handler.headers
    env = {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "REMOTE_USER": "someone",  # who pushes must be somebody
        "REQUEST_METHOD": handler.command,
        "PATH_INFO": unquote(parts.path),
        "QUERY_STRING": parts.query,
        "CONTENT_LENGTH": str(len(body)),
        **{name: headers[key] for key, name in _PASSED.items() if headers[key]},
    }
    done = subprocess.run(
        ["git", "http-backend"], input=body, env=env, capture_output=True, check=False
    )
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
    status = int(fields.pop("Status", "200").split()[0])
    return GitAnswer(status, fields, content)


def send(handler: BaseHTTPRequestHandler, answer: GitAnswer) -> None:
    """Answer the request."""
    handler.send_response(answer.status)
    for name, value in answer.headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(answer.body)))
    handler.end_headers()
    handler.wfile.write(answer.body)


def who_are_you(realm: str) -> GitAnswer:
    """The answer to who did not say it, or not rightly."""
    return GitAnswer(401, {"WWW-Authenticate": f'Basic realm="{realm}"'}, b"")
