"""A real remote over HTTP: bare repositories behind git's own ``http-backend``, for who knows the token."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from support.git_backend import ask_git, request_body, send, who_are_you

TOKEN: Final = "token-of-the-remote"


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


def _handler(root: Path, token: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = request_body(self)
            given = self.headers.get("Authorization", "").removeprefix("Basic ")
            is_known = base64.b64decode(given).decode().rpartition(":")[2] == token
            send(self, ask_git(self, root, body) if is_known else who_are_you("git"))

        do_POST = do_GET  # noqa: N815 - the base class looks for this name

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    return Handler
