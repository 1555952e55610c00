"""A registry of images that takes its time and then has none: for what is seen while an image is pulled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Final

SILENT_S: Final = 60.0


@dataclass(frozen=True)
class SlowRegistry:
    """``host`` is what an image's name begins with; on loopback engines speak HTTP without being told."""

    host: str
    answers: Event


@contextmanager
def slow_registry() -> Iterator[SlowRegistry]:
    """It says that it has no such image, but nothing before ``answers`` is set."""
    answers = Event()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers.wait(SILENT_S)
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield SlowRegistry(f"127.0.0.1:{server.server_port}", answers)
    finally:
        answers.set()
        server.shutdown()
        thread.join()
        server.server_close()
