"""A real remote over HTTP: bare repositories behind git's own ``http-backend``, for who knows the token."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

TOKEN: Final = "token-of-the-remote"
_PASSED: Final = {"Content-Type": "CONTENT_TYPE", "Content-Encoding": "HTTP_CONTENT_ENCODING"}


@contextmanager
def serving_http(root: Path, token: str = TOKEN) -> Iterator[str]:
    """Serve the repositories below ``root``; gives the URL that they are below."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(root, token))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(root: Path, token: str) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - a class of small methods
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        do_POST = do_GET  # noqa: N815 - the base class looks for this name

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

        def _answer(self) -> None:
            body = self._body()
            given = self.headers.get("Authorization", "").removeprefix("Basic ")
            if base64.b64decode(given).decode().rpartition(":")[2] != token:
                self._send("401 Who are you", [("WWW-Authenticate", "Basic realm=git")], b"")
                return
            done = subprocess.run(
                ["git", "http-backend"], env=self._env(len(body)), input=body, capture_output=True
            )
            head, _, answer = done.stdout.partition(b"\r\n\r\n")
            lines = [line.partition(": ")[::2] for line in head.decode().split("\r\n")]
            status = dict(lines).get("Status", "200 OK")
            self._send(status, [line for line in lines if line[0] != "Status"], answer)

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") == "chunked":
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def _env(self, length: int) -> dict[str, str]:
            parts = urlsplit(self.path)
            passed = {name: self.headers[key] for key, name in _PASSED.items() if self.headers[key]}
            return {
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "REMOTE_USER": "someone",  # who pushes must be somebody
                "REQUEST_METHOD": self.command,
                "PATH_INFO": parts.path,
                "QUERY_STRING": parts.query,
                "CONTENT_LENGTH": str(length),
                **passed,
            }

        def _send(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
            code, _, words = status.partition(" ")
            self.send_response(int(code), words)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler
